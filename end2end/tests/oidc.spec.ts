// Sign-in through a real provider: connecting it, signing in and out here and there, new keys, an outage.
import { strict as assert } from "node:assert";
import { after, before } from "node:test";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { setUp } from "../lib/people.ts";
import { CLIENT_ID, CLIENT_SECRET, type IdentityProvider, startProvider } from "../lib/provider.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("identity provider", { args: ["--allow-network", "127.0.0.1,::1", "--allow-plain-http"] });

/** A little longer than one look at a provider counts. */
const LOOK_MS = 3_500;

let provider: IdentityProvider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.stop());

it("is connected, tested and opened; signs in and out; turns its keys; is away", async ({ page, visitor, server, javaScript }) => {
  // The browser's own line about a sign-out.
  visitor.expect(/Clear-Site-Data/);
  if (javaScript) {
    provider.serve(server.origin);
    await setUp(page, server.lines, "ada");
    await connect(page);
    // A claim that the provider does not show names nobody, and the page says so.
    await testSignIn(page);
    await page.getByText('the claim "employee", which says who somebody is, is missing').waitFor();
    await change(page, async () => page.getByLabel("Claim that says who somebody is").fill("sub"));
    await testSignIn(page);
    await page.getByRole("heading", { name: "Test sign-in passed" }).waitFor();
    const claims = (await page.getByRole("main").textContent()) ?? "";
    assert.ok(claims.includes(provider.issuer) && !claims.includes("Name of ada"), "what describes a person is hidden");
    await page.getByRole("button", { name: "Open for everybody" }).click();
    await page.getByRole("link", { name: "Connect my own account" }).click();
    await page.waitForURL((url) => url.pathname === "/me");
    await signOut(page);
    await page.waitForURL((url) => url.pathname === "/logged-out");
  }

  // In, out here and there, and in again under a key that nobody had seen.
  await signIn(page, "ada");
  await signOut(page);
  await page.getByRole("button", { name: "Sign out there" }).click();
  await page.waitForURL((url) => url.pathname === "/logged-out");
  // Unknown keys are looked for once a minute, so the keys turn in one of the two runs.
  if (javaScript) provider.serve(server.origin);
  await signIn(page, "ada");

  // Signed out there in another tab: this one is signed out as well.
  const tab = await visitor.page();
  await tab.goto(`${provider.issuer}/session/end`);
  await tab.getByRole("button", { name: "Sign out there" }).click();
  await tab.getByRole("heading", { name: "Signed out there" }).waitFor();
  assert.equal(provider.logouts.at(-1), "done");
  await page.reload();
  await page.waitForURL((url) => url.pathname === "/login");
  await tab.close();
  await signIn(page, "ada");

  // While the provider is away, whoever is in stays in.
  await provider.fail();
  await page.goto("/admin/sso");
  await page.getByRole("heading", { name: "Company account", exact: true }).waitFor();

  // Whoever comes is told so here, not by the browser: what the provider said about itself is still known.
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  for (const way of ["/login", "/step-up"]) {
    await page.goto(`${way}?next=/admin/sso`);
    await page.getByRole("link", { name: "Continue with Company account" }).click();
    await page.waitForURL((url) => url.pathname === way && url.searchParams.get("away") === "company");
    await page.getByRole("heading", { name: "Company account does not answer" }).waitFor();
    await page.getByText("Whoever is signed in stays signed in.").or(page.getByText("You stay signed in")).waitFor();
    await page.getByLabel("Password").waitFor();
    for (const width of [390, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      await wellFormed(page);
      await accessible(page);
    }
  }
  await provider.recover();
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  await page.getByRole("link", { name: "Retry" }).click();
  await atProvider(page, "ada");
  await page.waitForURL((url) => url.pathname === "/admin/sso");
});

it("knows this installation by a key that is made here", async ({ page, visitor, server, javaScript }) => {
  await signIn(page, "ada");
  const keys = async () => {
    const answer = await fetch(`${server.origin}/client-keys/company`);
    assert.equal(answer.status, javaScript && !known ? 404 : 200);
    return answer.ok ? ((await answer.json()) as { keys: Record<string, string>[] }).keys : [];
  };
  let known = !javaScript;
  const [former] = await keys();

  // First in place of the secret, then another one in place of the first.
  await change(page, async () => {
    if (javaScript) await page.getByLabel("The provider knows this installation by").selectOption("private_key_jwt");
    else await page.getByLabel("Make another key").check();
  });
  await page.getByText("Open, changed since the last test").waitFor();
  known = true;
  const [key, ...others] = await keys();
  assert.ok(key && others.length === 0 && key.kid !== former?.kid);
  assert.deepEqual(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"], "the public half");
  await page.getByText(`${server.origin}/client-keys/company`).first().waitFor();
  await page.getByText(`"kid":"${key.kid}"`).waitFor();
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await wellFormed(page);
    await accessible(page);
  }

  provider.serve(server.origin, "private_key_jwt");
  await testSignIn(page);
  await page.getByRole("heading", { name: "Test sign-in passed" }).waitFor();

  // People are known by now, so the claim that says who they are stays.
  visitor.expect(/status of (409|422)/);
  await change(page, async () => page.getByLabel("Claim that says who somebody is").fill("name"));
  await page.getByText("This claim can change, or pass to somebody else.").first().waitFor();
  await change(page, async () => page.getByLabel("Claim that says who somebody is").fill("employee"));
  await page.getByText("People of this issuer are known here by another claim.").first().waitFor();
});

async function connect(page: Page): Promise<void> {
  await page.goto("/admin/sso");
  await page.getByLabel("Name on the sign-in page").fill("Company account");
  await page.getByLabel("Issuer").fill(provider.issuer);
  await page.getByLabel("Client id").fill(CLIENT_ID);
  await page.getByLabel("Client secret").fill(CLIENT_SECRET);
  await page.getByLabel("Scopes").fill("profile groups");
  await page.getByLabel("Claim that says who somebody is").fill("employee");
  await page.getByRole("button", { name: "Connect a provider" }).click();
  await page.getByText("Closed, not tested").waitFor();
}

/** Changes the provider by its form. */
async function change(page: Page, fill: () => Promise<unknown>): Promise<void> {
  await page.goto("/admin/sso?edit=company");
  await fill();
  await page.getByRole("button", { name: "Save" }).click();
}

/** Goes to the provider and back to the page that shows what it brought; signs in there when asked. */
async function testSignIn(page: Page): Promise<void> {
  await page.goto("/admin/sso");
  await page.getByRole("link", { name: "Test sign-in" }).click();
  await page.waitForURL((url) => url.pathname === "/admin/sso" || url.pathname.startsWith("/interaction/"));
  if (page.url().startsWith(provider.issuer)) await atProvider(page, "ada");
  await page.waitForURL((url) => url.pathname === "/admin/sso");
}

async function signIn(page: Page, account: string): Promise<void> {
  await page.goto("/login?next=/admin/sso");
  await page.getByRole("link", { name: "Continue with Company account" }).click();
  await page.waitForURL((url) => url.pathname === "/admin/sso" || url.pathname.startsWith("/interaction/"));
  if (page.url().startsWith(provider.issuer)) await atProvider(page, account);
  await page.waitForURL((url) => url.pathname === "/admin/sso");
}

async function signOut(page: Page): Promise<void> {
  await page.goto("/me");
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
}

async function atProvider(page: Page, account: string): Promise<void> {
  await page.getByLabel("Account").fill(account);
  await page.getByRole("button", { name: "Sign in there" }).click();
}
