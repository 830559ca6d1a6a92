// The directories on /admin/sso: a token that is seen once, what a directory pushes with it, another token in its place,
// and the end of both.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { setUp, signIn } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("directories");

const SIZES = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
];

it("issues a token once, counts what is pushed with it, lets another take its place, and ends both", async ({ page, server, javaScript }) => {
  // The second run goes on with the provider, the people and the groups of the first.
  const run = javaScript ? "first" : "second";
  if (javaScript) {
    await setUp(page, server.lines, "ada");
    await page.goto("/admin/sso");
    await page.getByText("A directory belongs to an identity provider.").waitFor();
    await connect(page);
    await page.getByText("No directory yet").waitFor();
  } else {
    await signIn(page, "ada");
  }

  const token = await issue(page);
  await fits(page);
  await page.goto("/admin/sso");
  assert.ok(!(await page.content()).includes(token), "the token is shown once");

  const scim = directory(server.origin, token);
  const user = await scim("POST", "/Users", {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
    userName: `${run}@example.org`,
    externalId: `sub-${run}`,
    displayName: `Name of ${run}`,
    active: true,
  });
  assert.equal(user.status, 201);
  const id = String(user.body.id);
  const group = await scim("POST", "/Groups", {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    displayName: `group-${run}`,
    externalId: `group-${run}`,
    members: [{ value: id }],
  });
  assert.equal(group.status, 201);

  // What was pushed is counted, and the token was used.
  const section = page.getByRole("region", { name: "Directory of Company account" });
  const shows = async (users: string, groups: string) => {
    await page.goto("/admin/sso");
    const text = (await section.innerText()).replace(/\s+/g, " ");
    assert.ok(text.includes(users) && text.includes(groups), text);
  };
  await shows(...(javaScript ? (["1 active", "1 group, 1 membership"] as const) : (["1 active, 1 deactivated", "2 groups, 2 memberships"] as const)));
  const mine = section.getByRole("region", { name: `Token ${keyId(token)}` });
  assert.match(await mine.innerText(), /Live/);
  assert.doesNotMatch(await mine.innerText(), /Never/, "it was used");

  // Another takes its place: both work until the former one ends.
  const next = await issue(page);
  const later = directory(server.origin, next);
  assert.notEqual(next, token);
  assert.equal((await scim("GET", `/Users/${id}`)).status, 200);
  assert.equal((await later("GET", `/Users/${id}`)).body.userName, `${run}@example.org`);
  await revoke(page, token);
  assert.equal((await scim("GET", `/Users/${id}`)).status, 401, "it ends at once");
  const left = await later("PATCH", `/Users/${id}`, {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    Operations: [{ op: "replace", path: "active", value: false }],
  });
  assert.equal(left.body.active, false);
  await shows(javaScript ? "0 active, 1 deactivated" : "0 active, 2 deactivated", javaScript ? "1 group" : "2 groups");

  await revoke(page, next);
  const refused = await later("GET", "/Users");
  assert.equal(refused.status, 401);
  assert.deepEqual(refused.body.schemas, ["urn:ietf:params:scim:api:messages:2.0:Error"]);
  await fits(page);
});

/** Connects a provider that nobody is sent to: a directory belongs to one. */
async function connect(page: Page): Promise<void> {
  await page.getByLabel("Name on the sign-in page").fill("Company account");
  await page.getByLabel("Issuer").fill("https://id.example.org");
  await page.getByLabel("Client id").fill("countersign");
  await page.getByLabel("Client secret").fill("a-secret-of-the-spec");
  await page.getByLabel("Scopes").fill("profile groups");
  await page.getByRole("button", { name: "Connect a provider" }).click();
  await page.getByText("Closed, not tested").waitFor();
}

async function issue(page: Page): Promise<string> {
  await page.goto("/admin/sso");
  await page.getByLabel("Lives").selectOption("90");
  await page.getByRole("checkbox", { name: "Viewer" }).check();
  await page.getByRole("button", { name: "Issue a directory token" }).click();
  const panel = page.getByRole("status").filter({ hasText: "Token for the directory of Company account" });
  await panel.waitFor();
  const token = (await panel.locator("code").first().innerText()).trim();
  assert.match(token, /^csdt_/);
  await page.getByRole("region", { name: `Token ${keyId(token)}` }).waitFor();
  return token;
}

async function revoke(page: Page, token: string): Promise<void> {
  await page.goto("/admin/sso");
  const row = page.getByRole("region", { name: `Token ${keyId(token)}` });
  await row.getByRole("button", { name: "Revoke" }).click();
  await row.getByText("Revoked", { exact: true }).waitFor();
  assert.equal(await row.getByRole("button").count(), 0, "what has ended is not ended again");
}

/** On a phone and on a desk. */
async function fits(page: Page): Promise<void> {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await wellFormed(page);
    await accessible(page);
  }
}

/** The part of a token that the page shows for good. */
function keyId(token: string): string {
  return token.split("_")[1] ?? "";
}

interface Answered {
  status: number;
  body: Record<string, unknown>;
}

/** Speaks as a directory does. */
function directory(origin: string, token: string) {
  return async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const answer = await fetch(`${origin}/scim/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/scim+json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
}
