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
    await page.goto("/admin/sso");
    await page.getByRole("link", { name: "Test sign-in" }).click();
    await atProvider(page, "ada");
    await page.waitForURL((url) => url.pathname === "/admin/sso");
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
