// An admin's first day with the company's identity provider: connect it, map two groups and see who gains before it is
// so, three people signing in, the matrix, ending a sign-in, and looking at every role again. COUNTERSIGN_SHOTS names
// the directory that pictures of each step go to, in two themes and two widths.
import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join as path } from "node:path";
import { after, before } from "node:test";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { setUp } from "../lib/people.ts";
import { CLIENT_ID, CLIENT_SECRET, type IdentityProvider, startProvider } from "../lib/provider.ts";
import { specs } from "../lib/spec.ts";

const SHOTS = process.env.COUNTERSIGN_SHOTS;
const LOOKS = [["light", 1440, 900], ["dark", 1440, 900], ["light", 390, 844], ["dark", 390, 844]] as const;
/** The server ends streams within a second, as its own test measures; a browser on a busy machine may show it later. */
const ENDED_MS = 5_000;

const { it } = specs("walk", {
  args: ["--allow-network", "127.0.0.1,::1", "--allow-plain-http"],
  seconds: SHOTS ? 300 : 60,
});

let provider: IdentityProvider;
before(async () => {
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
  provider = await startProvider();
  for (const [account, groups] of [["rhea", ["readers"]], ["otto", ["audit"]], ["nils", ["canteen"]]] as const) {
    provider.groups.set(account, [...groups]);
  }
});
after(() => provider.stop());

it("connects a provider and maps two groups, and shows who gains before it is so", async ({ page, visitor, server, another }) => {
  visitor.expect(/Clear-Site-Data/);
  provider.serve(server.origin);
  await setUp(page, server.lines, "ada");

  await page.goto("/admin/sso");
  await page.getByText("No identity provider yet").waitFor();
  await page.getByText("three steps, none of which locks anybody out", { exact: false }).waitFor();
  await look(page, "providers-none");
  await page.getByLabel("Name on the sign-in page").fill("Company account");
  await page.getByLabel("Issuer").fill(provider.issuer);
  await page.getByLabel("Client id").fill(CLIENT_ID);
  await page.getByLabel("Client secret").fill(CLIENT_SECRET);
  await page.getByLabel("Scopes").fill("profile groups");
  await page.getByRole("button", { name: "Connect a provider" }).click();
  const company = page.getByRole("region", { name: "Company account", exact: true });
  await company.getByText("Closed, not tested").waitFor();
  await company.getByText("Next: the test sign-in.", { exact: false }).waitFor();
  assert.equal(await page.getByLabel("Issuer").isVisible(), false, "another provider's form is folded away");
  await look(page, "provider-connected");

  await company.getByRole("link", { name: "Test sign-in" }).click();
  await atProvider(page, "ada");
  await page.getByRole("heading", { name: "Test sign-in passed" }).waitFor();
  await company.getByText("Tested, closed").waitFor();
  await company.getByText("then open it.", { exact: false }).waitFor();
  await look(page, "provider-tested");
  await company.getByRole("button", { name: "Open for everybody" }).click();
  await company.getByText("Open", { exact: true }).waitFor();
  await company.getByText("Next: connect your own account", { exact: false }).waitFor();
  await company.getByRole("link", { name: "Connect my own account" }).click();
  await page.waitForURL((url) => url.pathname === "/me");
  await page.getByText("Company account: you sign in with this account.").waitFor();
  await look(page, "account-connected");

  await page.goto("/admin/sso");
  await company.getByText("1 person", { exact: true }).waitFor();
  await company.getByRole("link", { name: "Roles from groups" }).click();
  await page.getByText("No rows yet").waitFor();
  await page.getByRole("button", { name: "Let new people in" }).click();
  await page.getByText("Whoever the provider lets in becomes a member", { exact: false }).waitFor();
  await look(page, "mapping-none");

  // Somebody is let in before any group gives a role, and is told so.
  const rhea = await (await another()).page();
  await signIn(rhea, "rhea");
  await rhea.getByText("You have no role yet").waitFor();
  await look(rhea, "no-role-yet");

  await addRow(page, "readers", "viewer");
  await addRow(page, "audit", "auditor");
  await page.getByText("It gives nobody anything until it is applied.", { exact: false }).waitFor();
  await page.getByText("1 person would gain a role; nobody would lose one.").waitFor();
  const gains = page.getByRole("table", { name: "Who gains and loses roles" }).getByRole("row").filter({ hasText: "Name of rhea" });
  assert.match((await gains.innerText()).replace(/\s+/g, " "), /Viewer/);
  await look(page, "mapping-dry-run");
  await rhea.goto("/");
  await rhea.getByText("You have no role yet").waitFor();

  await page.getByRole("button", { name: "Apply the draft" }).click();
  await page.getByText("In force since", { exact: false }).waitFor();
  await look(page, "mapping-in-force");
});

it("lets three people in with what their groups give, and shows what that is", async ({ page, visitor, another }) => {
  visitor.expect(/Clear-Site-Data/);
  for (const [account, begins] of [["rhea", "/queue"], ["otto", "/ledger"], ["nils", "/"]] as const) {
    const person = await (await another()).page();
    await signIn(person, account);
    assert.equal(new URL(person.url()).pathname, begins, account);
    if (account === "nils") await person.getByText("You have no role yet").waitFor();
    await look(person, `signed-in-${account}`);
  }

  await signIn(page, "ada", "/admin/people");
  const people = page.getByRole("table", { name: "People" });
  const row = async (name: string) => (await people.getByRole("row").filter({ hasText: name }).innerText()).replace(/\s+/g, " ");
  assert.match(await row("Name of rhea"), /Viewer Active/);
  assert.match(await row("Name of otto"), /Auditor Active/);
  assert.match(await row("Name of nils"), /None Active/);
  await look(page, "people");

  await people.getByRole("link", { name: "Name of rhea" }).click();
  await page.getByRole("heading", { level: 1, name: "Name of rhea" }).waitFor();
  await page.getByText("Signs in through Company account").waitFor();
  await page.getByText("Given by Ada (groups of Company account)", { exact: false }).waitFor();
  await look(page, "person");

  await page.goto("/admin/roles");
  const matrix = page.getByRole("table", { name: "What each role may do" });
  await matrix.waitFor();
  assert.match((await matrix.getByRole("row").filter({ hasText: "Review high risk" }).innerText()).replace(/\s+/g, " "), /In scope/);
  await look(page, "matrix");
  await page.getByLabel("Would").selectOption("list_people");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByText("Ada may see people", { exact: false }).first().waitFor();
  await look(page, "matrix-why");
});

it("ends a sign-in at once, and looks at every role again", async ({ page, visitor, another }) => {
  visitor.expect(/Clear-Site-Data/);
  const reader = await another();
  // What her open page asks for after the end is refused.
  reader.expect(/status of 401/);
  const rhea = await reader.page();
  await signIn(rhea, "rhea");
  await rhea.getByText("Live", { exact: true }).waitFor({ state: "attached" });
  const otto = await (await another()).page();
  await signIn(otto, "otto");
  await signIn(page, "ada", "/admin/sessions");

  const running = page.getByRole("listitem").filter({ hasText: "Name of rhea" });
  await running.first().waitFor();
  await look(page, "sign-ins");
  for (let left = await running.count(); left > 0; left -= 1) {
    await running.first().getByRole("button", { name: "End the sign-in of Name of rhea" }).click();
    await page.waitForFunction(
      ([name, count]) => [...document.querySelectorAll("main li")].filter((item) => item.textContent?.includes(String(name))).length === count,
      ["Name of rhea", left - 1] as const,
    );
  }
  const ended = Date.now();
  await rhea.getByText("Your sign-in has ended. What is shown here may be old").first().waitFor();
  assert.ok(Date.now() - ended < ENDED_MS, `an open page learns it in ${Date.now() - ended} ms`);
  await look(rhea, "sign-in-ended-there");
  await rhea.getByRole("link", { name: "Sign in again" }).click();
  await rhea.waitForURL((url) => url.pathname === "/login" && url.searchParams.get("next") === "/queue");
  await look(page, "sign-in-ended");

  await page.goto("/admin/recertification");
  await page.getByText("No access review yet").waitFor();
  await look(page, "recertification-none");
  await page.getByRole("button", { name: "Begin an access review" }).click();
  const review = page.getByRole("region", { name: "Running access review" });
  await review.getByText("0 of 3 assignments answered").waitFor();
  await review.getByText("Your own: another admin or a compliance officer answers.").waitFor();
  await look(page, "recertification-begun");
  await review.getByRole("button", { name: "Keep: Name of rhea, Viewer" }).click();
  await review.getByText("1 of 3 assignments answered").waitFor();
  // What a group gives is taken away at the group; then the answer only says so.
  const auditor = review.getByRole("listitem").filter({ hasText: "Name of otto" });
  await auditor.getByText("The provider gives it and would give it again", { exact: false }).waitFor();
  assert.equal(await auditor.getByRole("button", { name: /^Revoke/ }).count(), 0);
  await look(page, "recertification-kept");
  provider.groups.set("otto", []);
  await signIn(await (await another()).page(), "otto");
  await page.reload();
  await auditor.getByText("It has ended since the review began.").waitFor();
  await auditor.getByRole("button", { name: "Revoke: Name of otto, Auditor" }).click();
  await review.getByText("2 of 3 assignments answered").waitFor();
  await look(page, "recertification-answered");
});

async function addRow(page: Page, group: string, role: string): Promise<void> {
  await page.getByLabel("Value").fill(group);
  await page.getByLabel("Role", { exact: true }).selectOption(role);
  await page.getByRole("button", { name: "Save to the draft" }).click();
  await page.getByText(`groups is ${group}`, { exact: true }).waitFor();
}

async function signIn(page: Page, account: string, next?: string): Promise<void> {
  await page.goto(next ? `/login?next=${next}` : "/login");
  await page.getByRole("link", { name: "Continue with Company account" }).click();
  await atProvider(page, account);
  await page.waitForURL((url) => url.origin !== provider.issuer && !url.pathname.startsWith("/callback"));
  await page.waitForLoadState();
}

async function atProvider(page: Page, account: string): Promise<void> {
  await page.getByLabel("Account").fill(account);
  await page.getByRole("button", { name: "Sign in there" }).click();
}

/** Every place of the navigation is on a phone's screen, some of them once "More" is pressed. */
async function inReach(page: Page): Promise<void> {
  const navigation = page.getByRole("navigation", { name: "Main" });
  if (!(await navigation.isVisible())) return;
  const more = navigation.getByRole("button", { name: "More" });
  const hidden = await more.isVisible();
  if (hidden) await more.click();
  const unreachable = await navigation.evaluate((bar) => {
    const places = [...bar.querySelectorAll("a")].map((place) => ({ href: place.href, box: place.getBoundingClientRect() }));
    const shown = places.filter(({ box }) => box.width > 0 && box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight);
    return places.map(({ href }) => href).filter((href) => !shown.some((place) => place.href === href));
  });
  assert.deepEqual(unreachable, [], "every place is in reach on a phone");
  if (hidden) await page.keyboard.press("Escape");
}

let number = 0;

/** Looks at a page as people on a phone and at a desk see it; with a directory for them, takes pictures of it too. */
async function look(page: Page, name: string): Promise<void> {
  number += 1;
  await page.setViewportSize({ width: 390, height: 844 });
  // A picture leaves its marks on a page that goes on.
  if (!SHOTS) await wellFormed(page);
  await inReach(page);
  for (const [theme, width, height] of SHOTS ? LOOKS : []) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width, height });
    const file = `${String(number).padStart(2, "0")}-${name}-${theme}-${width}.png`;
    await page.screenshot({ path: path(SHOTS ?? "", file), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1440, height: 900 });
  await accessible(page);
}
