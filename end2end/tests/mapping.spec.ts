// Roles from groups: two rows, who would gain by them, three people who sign in, and a group that is taken away.
import { strict as assert } from "node:assert";
import { after, before } from "node:test";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { setUp } from "../lib/people.ts";
import { CLIENT_ID, CLIENT_SECRET, type IdentityProvider, startProvider } from "../lib/provider.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("mapping", { args: ["--allow-network", "127.0.0.1,::1", "--allow-plain-http"] });

let provider: IdentityProvider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.stop());

it("maps two groups, lets three people in, and takes a role with its group", async ({ page, visitor, server, javaScript, another }) => {
  visitor.expect(/Clear-Site-Data/);
  // The second run goes on with the people, rows and groups of the first.
  if (javaScript) {
    provider.serve(server.origin);
    await setUp(page, server.lines, "ada");
    await connect(page);
    await openAfterTest(page);
    await page.getByRole("link", { name: "Roles from groups" }).click();
    await page.waitForURL((url) => url.pathname === "/admin/sso/company");
    await page.getByText("No rows yet").waitFor();
    await page.getByRole("button", { name: "Let new people in" }).click();
    await page.getByText("becomes a member at the first sign-in", { exact: false }).waitFor();
    await addRow(page, "readers", "Viewer");
    await addRow(page, "audit", "Auditor");
    // Nobody is known yet, so nobody gains; the rows hold from now on.
    await page.getByText("Nobody gains or loses a role.").waitFor();
    await page.getByRole("button", { name: "Apply the draft" }).click();
    await page.getByText("In force since", { exact: false }).waitFor();

    for (const [account, groups, path] of [["rhea", ["readers"], "/queue"], ["otto", ["audit"], "/ledger"], ["nils", ["unknown"], "/"]] as const) {
      provider.groups.set(account, [...groups]);
      const person = await (await another()).page();
      await signIn(person, account);
      assert.equal(new URL(person.url()).pathname, path, account);
      if (account === "nils") await person.getByText("You have no role yet").waitFor();
    }
  } else {
    await adminBack(page);
  }

  // A group that no row names gives nothing; a draft row says who would gain before it is applied.
  await page.goto("/admin/sso/company");
  await addRow(page, javaScript ? "unknown" : "nobody-has-this", "Policy author");
  if (javaScript) {
    const table = page.getByRole("table", { name: "Who gains and loses roles" });
    const gains = table.getByRole("row").filter({ hasText: "Policy author" });
    assert.match((await gains.textContent()) ?? "", /Name of nils/);
  } else {
    await page.getByText("Nobody gains or loses a role.").waitFor();
  }
  await wellFormed(page);
  await accessible(page);
  await page.getByRole("button", { name: "Discard the draft" }).click();
  await page.getByText("In force since", { exact: false }).waitFor();

  // What a row lacks is said beside the field, and what was typed stays.
  await page.getByLabel("Value").fill("kept-text");
  await page.getByLabel("AI systems").fill("no-such-agent");
  visitor.expect(/status of 422/);
  await page.getByRole("button", { name: "Save to the draft" }).click();
  await page.getByText("There is no AI system named no-such-agent.").first().waitFor();
  assert.equal(await page.getByLabel("Value").inputValue(), "kept-text");

  // The group goes, and the role with it at the next sign-in.
  provider.groups.set("rhea", javaScript ? [] : ["readers"]);
  const rhea = await (await another()).page();
  await signIn(rhea, "rhea");
  assert.equal(new URL(rhea.url()).pathname, javaScript ? "/" : "/queue");
});

async function connect(page: Page): Promise<void> {
  await page.goto("/admin/sso");
  await page.getByLabel("Name on the sign-in page").fill("Company account");
  await page.getByLabel("Issuer").fill(provider.issuer);
  await page.getByLabel("Client id").fill(CLIENT_ID);
  await page.getByLabel("Client secret").fill(CLIENT_SECRET);
  await page.getByLabel("Scopes").fill("profile groups");
  await page.getByRole("button", { name: "Connect a provider" }).click();
  await page.getByText("Closed, not tested").waitFor();
}

async function openAfterTest(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Test sign-in" }).click();
  await atProvider(page, "ada");
  await page.waitForURL((url) => url.pathname === "/admin/sso");
  await page.getByRole("button", { name: "Open for everybody" }).click();
  await page.getByRole("link", { name: "Connect my own account" }).click();
  await page.waitForURL((url) => url.pathname === "/me");
  await page.goto("/admin/sso");
}

/** The admin of the first run signs in through the provider. */
async function adminBack(page: Page): Promise<void> {
  await signIn(page, "ada");
}

async function addRow(page: Page, group: string, role: string): Promise<void> {
  await page.getByLabel("Value").fill(group);
  const word = role.toLowerCase().replace(" ", "_");
  await page.getByLabel("Role", { exact: true }).selectOption(word);
  await page.getByRole("button", { name: "Save to the draft" }).click();
  await page.getByText(`groups is ${group}`, { exact: true }).waitFor();
}

async function signIn(page: Page, account: string): Promise<void> {
  await page.goto("/login");
  await page.getByRole("link", { name: "Continue with Company account" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
  if (page.url().startsWith(provider.issuer)) await atProvider(page, account);
  await page.waitForURL((url) => url.origin !== provider.issuer && !url.pathname.startsWith("/callback"));
  await page.waitForLoadState();
}

async function atProvider(page: Page, account: string): Promise<void> {
  await page.getByLabel("Account").fill(account);
  await page.getByRole("button", { name: "Sign in there" }).click();
}
