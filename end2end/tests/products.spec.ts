// Two identity products as people run them: Canaille and LemonLDAP::NG. Connecting, signing in and out here
// and there, a change of groups, a fresh proof, an outage. Takes long to set up: `cargo xtask test --full`.
import { strict as assert } from "node:assert";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { startCanaille } from "../lib/canaille.ts";
import { startLemonldap } from "../lib/lemonldap.ts";
import { setUp } from "../lib/people.ts";
import { CLIENT_ID, CLIENT_SECRET, freePort, type Product } from "../lib/product.ts";
import { type Server, startServer } from "../lib/server.ts";

/** How long a session may outlive the product's own sign-out. */
const SIGN_OUT_MS_MAX = 3_000;
/** A sign-in there that is older proves nothing here, even with a clock that is off as far as may be. */
const PROOF_MS = 95_000;

const products: [string, (server: Server) => Promise<Product>][] = [
  ["canaille", (server) => startCanaille({ origin: server.origin })],
  ["lemonldap", (server) => startLemonldap(server.origin)],
];

for (const [name, start] of products) {
  test(`identity product: ${name}`, {
    skip: process.env.COUNTERSIGN_FULL === "1" ? false : "a long campaign; cargo xtask test --full",
    timeout: 600_000,
  }, async (context) => {
    const server = await startServer({ args: ["--allow-network", "127.0.0.1,::1", "--allow-plain-http"] });
    const browser = await launchBrowser();
    let product: Product | undefined;
    try {
      product = await start(server);
      context.diagnostic(product.name);
      // `Clear-Site-Data`: the browser's own line about a sign-out.
      const visitor = await Visitor.arrive(browser, {
        origin: server.origin,
        strangers: [product.issuer],
        expected: [/Clear-Site-Data/],
      });
      await scenes(context, { product, server, visitor, page: await visitor.page() });
      await visitor.leave();
    } finally {
      await browser.close();
      await product?.stop();
      await server.stop();
    }
  });
}

/**
 * Canaille as a directory: it sends `application/json`, replaces whole users by PUT, and sends a password that
 * nothing here keeps.
 */
test("identity product: canaille pushes people and groups", {
  skip: process.env.COUNTERSIGN_FULL === "1" ? false : "a long campaign; cargo xtask test --full",
  timeout: 600_000,
}, async (context) => {
  const server = await startServer({ args: ["--allow-network", "127.0.0.1,::1", "--allow-plain-http"] });
  const browser = await launchBrowser();
  let product: Product | undefined;
  const pages: Page[] = [];
  try {
    const port = await freePort();
    const issuer = `http://localhost:${port}`;
    const arrive = () =>
      Visitor.arrive(browser, { origin: server.origin, strangers: [issuer], expected: [/Clear-Site-Data/] });
    const admin = await arrive();
    const page = await admin.page();
    pages.push(page);
    await setUp(page, server.lines, "ada");
    await connectAt(page, issuer, "profile groups");
    const token = await issueToken(page);
    product = await startCanaille({ origin: server.origin, port, scim: { base: `${server.origin}/scim/v2`, token } });
    context.diagnostic(product.name);

    // Two people came with its start, and a group with both of them comes now.
    const shows = async (users: string, groups: string) => {
      await page.goto("/admin/sso");
      const text = await page.getByRole("region", { name: "Directory of Company account" }).innerText();
      assert.ok(text.includes(users) && text.includes(groups), text);
    };
    await shows("2 active", "0 groups");
    await product.setGroups(["readers"]);
    await shows("2 active", "1 group, 2 memberships");
    assert.match(await rolesOf(page, "dora"), /None/);

    await page.goto("/admin/sso");
    await page.getByRole("link", { name: "Test sign-in" }).click();
    await arriveOn(page, product, "/admin/sso");
    await page.getByRole("button", { name: "Open for everybody" }).click();
    await page.getByText("Open", { exact: true }).waitFor();
    await applyRow(page, { claim: "/scim/groups", group: "readers", role: "viewer", gains: /dora/i });

    // Whom the directory pushed is who signs in: nobody had to be let in.
    const dora = await arrive();
    const hers = await dora.page();
    pages.push(hers);
    await hers.goto("/login?next=/queue");
    await hers.getByRole("link", { name: "Continue with Company account" }).click();
    await arriveOn(hers, product, "/queue");
    assert.match(await rolesOf(page, "dora"), /Viewer/);

    // She leaves the group there, and is signed out here.
    await product.setGroups([]);
    await shows("2 active", "1 group, 1 membership");
    const role = await rolesOf(page, "dora");
    assert.doesNotMatch(role, /Viewer/);
    await hers.goto("/queue");
    assert.equal(new URL(hers.url()).pathname, "/login", "whoever loses a role is signed out");
    await dora.leave();
    await admin.leave();
  } catch (error) {
    for (const page of pages) {
      context.diagnostic(page.url());
      context.diagnostic((await page.locator("body").innerText().catch(String)).slice(0, 1_000));
    }
    throw error;
  } finally {
    await browser.close();
    await product?.stop();
    await server.stop();
  }
});

async function issueToken(page: Page): Promise<string> {
  await page.goto("/admin/sso");
  await page.getByRole("checkbox", { name: "Viewer" }).check();
  await page.getByRole("button", { name: "Issue a directory token" }).click();
  const panel = page.getByRole("status").filter({ hasText: "Token for the directory of Company account" });
  return (await panel.locator("code").first().innerText()).trim();
}

interface Stage {
  product: Product;
  server: Server;
  visitor: Visitor;
  page: Page;
}

/** One after the other, since each begins where the one before ended; the first that fails ends the run. */
async function scenes(context: TestContext, stage: Stage): Promise<void> {
  const scene = async (name: string, play: (stage: Stage, context: TestContext) => Promise<void>) => {
    let failure: unknown;
    await context.test(name, async (context) => {
      try {
        await play(stage, context);
      } catch (error) {
        const shown = await stage.page.locator("body").innerText().catch(String);
        for (const line of [stage.page.url(), shown.slice(0, 1_000), ...stage.visitor.problems]) context.diagnostic(line);
        failure = error;
        throw error;
      }
    });
    if (failure) throw failure;
  };

  await scene("is connected, tested and opened", connects);
  await scene("signs people in", signsIn);
  await scene("shows changed groups", changesGroups);
  await scene("gives and takes a role with a group", mapsGroups);
  await scene("shows once more who somebody is", stepsUp);
  await scene("signs out there too", signsOut);
  await scene("tells of its own sign-out, or does not", tellsOfSignOut);
  await scene("is away", isAway);
}

async function connects({ product, server, page }: Stage): Promise<void> {
  await setUp(page, server.lines, "ada");
  await connectAt(page, product.issuer, product.scopes);
  if (product.backChannel) await takeUntypedLogoutTokens(page);

  await product.setGroups(["reviewers"]);
  await page.goto("/admin/sso");
  await showsGroups(page, product, ["reviewers"]);
  await page.getByRole("button", { name: "Open for everybody" }).click();
  await page.getByRole("link", { name: "Connect my own account" }).click();
  await page.waitForURL((url) => url.pathname === "/me");
}

async function connectAt(page: Page, issuer: string, scopes: string): Promise<void> {
  await page.goto("/admin/sso");
  await page.getByLabel("Name on the sign-in page").fill("Company account");
  await page.getByLabel("Issuer").fill(issuer);
  await page.getByLabel("Client id").fill(CLIENT_ID);
  await page.getByLabel("Client secret").fill(CLIENT_SECRET);
  await page.getByLabel("Scopes").fill(scopes);
  await page.getByRole("button", { name: "Connect a provider" }).click();
  await page.getByText("Closed, not tested").waitFor();
}

/** The type `logout+jwt` is newer than the first products that send logout tokens. */
async function takeUntypedLogoutTokens(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Change" }).click();
  await page.getByLabel("Logout tokens").selectOption("optional");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Closed, not tested").waitFor();
}

async function signsIn({ product, page }: Stage): Promise<void> {
  await signOutHere(page);
  await page.waitForURL((url) => url.pathname === "/logged-out" || url.href.startsWith(product.issuer));
  await signIn(page, product);
}

async function changesGroups({ product, page }: Stage): Promise<void> {
  await product.setGroups(["auditors", "reviewers"]);
  await signOutEverywhere(page, product);
  await signIn(page, product);
  await showsGroups(page, product, ["auditors", "reviewers"]);

  await product.setGroups(["auditors"]);
  await signOutEverywhere(page, product);
  await signIn(page, product);
  await showsGroups(page, product, ["auditors"]);
}

/** A row for a group, who would gain by it, and what a sign-in with and without the group brings. */
async function mapsGroups({ product, page }: Stage): Promise<void> {
  await product.setGroups(["reviewers"]);
  await signInAnew(page, product);
  await applyRow(page, { claim: "groups", group: "reviewers", role: "viewer", gains: /Ada/ });
  assert.match(await rolesOf(page, "Ada"), /Viewer/, "whoever is known has the role at once");
  await signInAnew(page, product);
  assert.match(await rolesOf(page, "Ada"), /Viewer/);

  await product.setGroups(["auditors"]);
  await signInAnew(page, product);
  const left = await rolesOf(page, "Ada");
  assert.match(left, /Admin/, "what a person gave stays");
  assert.doesNotMatch(left, /Viewer/);
}

interface Row {
  claim: string;
  group: string;
  role: string;
  /** Who the dry run says would gain. */
  gains: RegExp;
}

async function applyRow(page: Page, { claim, group, role, gains }: Row): Promise<void> {
  await page.goto("/admin/sso/company");
  await page.getByLabel("Claim").fill(claim);
  await page.getByLabel("Value").fill(group);
  await page.getByLabel("Role", { exact: true }).selectOption(role);
  await page.getByRole("button", { name: "Save to the draft" }).click();
  const condition = claim === "/scim/groups" ? "a pushed group" : claim;
  await page.getByText(`${condition} is ${group}`, { exact: true }).waitFor();
  const table = page.getByRole("table", { name: "Who gains and loses roles" });
  assert.match(await table.innerText(), gains);
  await page.getByRole("button", { name: "Apply the draft" }).click();
  await page.getByText("In force since", { exact: false }).waitFor();
}

async function rolesOf(page: Page, name: string): Promise<string> {
  await page.goto("/admin/people");
  return (await page.getByRole("row").filter({ hasText: name }).first().innerText()).replace(/\s+/g, " ");
}

async function signInAnew(page: Page, product: Product): Promise<void> {
  await signOutEverywhere(page, product);
  await signIn(page, product);
}

/** Shortly after a sign-in there, and when that is older than a proof may be. */
async function stepsUp({ product, page }: Stage): Promise<void> {
  await page.goto("/step-up/company?next=/admin/sso");
  await arrive(page, product);
  await new Promise((resolve) => setTimeout(resolve, PROOF_MS));
  await page.goto("/step-up/company?next=/admin/sso");
  await page.waitForURL((url) => url.href.startsWith(product.issuer));
  await arrive(page, product);
}

async function signsOut({ product, page }: Stage): Promise<void> {
  await signOutEverywhere(page, product);
  // The product has forgotten the browser: it asks again.
  await page.goto("/login?next=/admin/sso");
  await page.getByRole("link", { name: "Continue with Company account" }).click();
  await page.waitForURL((url) => url.href.startsWith(product.issuer));
  await product.signIn(page);
  await page.waitForURL((url) => url.pathname === "/admin/sso");
}

/**
 * Canaille 0.3.6 has no back-channel logout (no code, no client setting, nothing in its metadata), nor any
 * other way to tell of its sign-out: a session here goes on to its own end.
 */
async function tellsOfSignOut({ product, visitor, page }: Stage, context: TestContext): Promise<void> {
  const metadata = await (await fetch(`${product.issuer}/.well-known/openid-configuration`)).json();
  const announced = (metadata as Record<string, unknown>).backchannel_logout_supported;
  assert.equal(announced === true, product.backChannel, "what the product announces");
  const tab = await visitor.page();
  await product.signOut(tab);
  const began = performance.now();
  if (!product.backChannel) {
    await page.goto("/admin/sso");
    await page.getByRole("heading", { name: "Company account", exact: true }).waitFor();
    await tab.close();
    await testSignIn(page, product);
    return;
  }

  for (;;) {
    await page.goto("/admin/sso");
    if (new URL(page.url()).pathname === "/login") break;
    assert.ok(performance.now() - began < SIGN_OUT_MS_MAX, "the session here ends with the one there");
  }
  context.diagnostic(`refused ${Math.round(performance.now() - began)} ms after the product's own sign-out`);
  await tab.close();
  await signIn(page, product);
}

async function isAway({ product, server, visitor, page }: Stage): Promise<void> {
  // Away between the sign-in there and the way back here.
  visitor.expect(/503/);
  const early = await visitor.page();
  const there = await redirection(early, "/login/company?next=/admin/sso");
  const back = await redirection(early, there);
  assert.ok(back.startsWith(`${server.origin}/callback/company?`), "the product knows the browser and sends it back");
  await product.fail();
  await early.goto(back);
  await early.getByText("The identity provider does not answer").waitFor();
  await early.close();

  // Whoever is in stays in.
  await page.goto("/admin/sso");
  await page.getByRole("heading", { name: "Company account", exact: true }).waitFor();

  // Whoever comes is told, also after a restart that knows nothing of the provider.
  await server.restart();
  await page.goto("/admin/sso");
  await page.getByRole("heading", { name: "Company account", exact: true }).waitFor();
  const late = await visitor.page();
  await late.goto("/login/company");
  await late.getByRole("heading", { name: "Company account does not answer" }).waitFor();
  await late.close();

  await product.recover();
  await signOutEverywhere(page, product);
  await signIn(page, product);
}

/** Where a page would be sent, with the browser's cookies. */
async function redirection(page: Page, address: string): Promise<string> {
  const answer = await page.context().request.get(address, { maxRedirects: 0 });
  return answer.headers().location ?? "";
}

/** Makes a test sign-in and returns what its panel shows, by claim. */
async function testSignIn(page: Page, product: Product): Promise<Map<string, string>> {
  await page.goto("/admin/sso");
  await page.getByRole("link", { name: "Test sign-in" }).click();
  await arrive(page, product);
  const panel = page.getByRole("status", { name: "Test sign-in passed" });
  await panel.waitFor();
  const claims = new Map<string, string>();
  for (const row of await panel.getByRole("row").all()) {
    claims.set((await row.getByRole("rowheader").innerText()).trim(), (await row.getByRole("cell").innerText()).trim());
  }
  return claims;
}

async function showsGroups(page: Page, product: Product, groups: string[]): Promise<void> {
  const shown = JSON.parse((await testSignIn(page, product)).get("groups") ?? "null") as string[];
  assert.deepEqual(shown.sort(), [...product.fixedGroups, ...groups].sort());
}

async function signIn(page: Page, product: Product): Promise<void> {
  await page.goto("/login?next=/admin/sso");
  await page.getByRole("link", { name: "Continue with Company account" }).click();
  await arrive(page, product);
}

/** Comes back to the page about sign-in, by way of the product's form when it asks. */
async function arrive(page: Page, product: Product): Promise<void> {
  await arriveOn(page, product, "/admin/sso");
}

async function arriveOn(page: Page, product: Product, path: string): Promise<void> {
  await arriveAtOnce(page, product, path);
  // Two sign-ins of one person within a second make the same access token at Canaille 0.3.6, which it then refuses
  // with 500 (`UNIQUE constraint failed: token.access_token`): the token is a JWT of whole seconds without an id.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}

async function arriveAtOnce(page: Page, product: Product, path: string): Promise<void> {
  const back = (url: URL) => url.pathname === path && !url.href.startsWith(product.issuer);
  await page.waitForURL((url) => back(url) || url.href.startsWith(product.issuer));
  if (page.url().startsWith(product.issuer)) await product.signIn(page);
  await page.waitForURL(back);
}

async function signOutHere(page: Page): Promise<void> {
  await page.goto("/me");
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
}

async function signOutEverywhere(page: Page, product: Product): Promise<void> {
  await signOutHere(page);
  await page.waitForURL((url) => url.pathname === "/logged-out" || url.href.startsWith(product.issuer));
  if (page.url().startsWith(product.issuer)) await product.confirmSignOut(page);
  await page.waitForURL((url) => url.pathname === "/logged-out");
}
