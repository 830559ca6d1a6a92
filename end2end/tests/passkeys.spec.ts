// Passkeys with a virtual authenticator: enrolled, confirmed by an admin, signing in, signing a review.
import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { command, issueKey } from "../lib/operator.ts";
import { PASSWORD, invite, rule, setUp, signIn, startReview } from "../lib/people.ts";
import { type Scene, specs } from "../lib/spec.ts";

const { it } = specs("passkeys", { host: "localhost" });

it("signs a review that verifies offline, and refuses what an authenticator gets wrong", async (scene) => {
  const { page: admin, visitor, server, javaScript, another } = scene;
  if (!javaScript) return withoutJavaScript(scene);
  await setUp(admin, server.lines, "ada");
  const link = await invite(admin, "Approver A", "approver-a", "Senior approver");
  const reviewer = await another();
  // The browser's own lines about refused signatures.
  for (const each of [visitor, reviewer]) each.expect(/status of 40[13]/);
  // RS256 is left out on purpose (SECURITY.md), and Chromium says so.
  reviewer.expect(/pubKeyCredParams is missing/);
  const page = await reviewer.page();
  const { cdp, authenticatorId } = await withAuthenticator(page);

  await page.goto(link);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/me/factors");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("Waits for an admin").waitFor();
  await accessible(page);
  await wellFormed(page);
  const fingerprint = (await page.locator("li p.font-mono").first().textContent())?.trim() ?? "";

  const demanded = await command("policy", "signed-reviews", "required", "--data", server.data);
  assert.equal(demanded.status, 0, demanded.output);
  const key = await issueKey(server.data, "refund-agent");
  const id = await propose(server, key);
  await page.goto(`/decisions/${id}`);
  assert.match((await page.locator("#review").textContent()) ?? "", /you have none that may sign/);

  await admin.goto("/admin/passkeys");
  assert.ok(((await admin.getByRole("main").textContent()) ?? "").includes(fingerprint), "both see one fingerprint");
  await accessible(admin);
  await admin.getByRole("button", { name: "Confirm" }).click();
  await admin.getByText("No passkey waits for you.").waitFor();

  await page.context().clearCookies();
  await page.goto("/login");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.waitForURL((url) => url.pathname !== "/login");

  const approve = async () => {
    await page.goto(`/decisions/${id}`);
    await startReview(page);
    await page.getByText("The policy asks you to sign it with a passkey").waitFor();
    await rule(page, "Approve", "Within the policy, and the customer confirmed.");
  };
  const bits = async (wrong: object) =>
    cdp.send("WebAuthn.setResponseOverrideBits", {
      authenticatorId,
      isBogusSignature: false,
      isBadUV: false,
      isBadUP: false,
      ...wrong,
    });
  for (const [wrong, reason] of [
    [{ isBogusSignature: true }, /The signature was not accepted: .*signature/],
    [{ isBadUV: true }, /The signature was not accepted: .*user was not verified/],
    [{ isBadUP: true }, /The signature was not accepted: .*nobody was present/],
  ] as const) {
    await bits(wrong);
    await approve();
    await page.getByRole("alert").getByText(reason).waitFor();
  }
  await bits({});
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await approve();
  await page.getByRole("alert").getByText(/Nothing was signed/).waitFor();
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });

  await approve();
  await page.getByText("Your review is recorded.").first().waitFor();
  const answer = await fetch(`${server.origin}/api/v1/decisions/${id}?wait_seconds=5`, {
    headers: { authorization: `Bearer ${key}` },
  });
  assert.equal(((await answer.json()) as { resolution: { outcome: string } }).resolution.outcome, "approved");

  const place = await mkdtemp(path(tmpdir(), "countersign-export-"));
  try {
    const exported = await command("export", "--to", path(place, "log"), "--data", server.data);
    assert.equal(exported.status, 0, exported.output);
    const verified = await command("verify", path(place, "log"));
    assert.match(verified.output, /D5.*1 reviews are signed by an enrolled passkey/);
    assert.doesNotMatch(verified.output, /FAILED/);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});

/** What is said to somebody whose browser runs no scripts. */
async function withoutJavaScript({ page }: Scene): Promise<void> {
  await signIn(page, "ada");
  await page.goto("/me/factors");
  const text = (await page.getByRole("main").textContent()) ?? "";
  assert.match(text, /Passkeys need JavaScript in this browser/);
  assert.match(text, /What a passkey does not prove/);
  await accessible(page);
  await wellFormed(page);
}

async function withAuthenticator(page: Page): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { cdp, authenticatorId };
}

async function propose(server: Scene["server"], key: string): Promise<string> {
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": "first" },
    body: JSON.stringify({
      mode: "propose",
      action: { type: "reservation.cancel", parameters: { reservation_id: "ABC123" } },
      rationale: "The customer asks for it.",
    }),
  });
  assert.equal(answer.status, 202, await answer.clone().text());
  return ((await answer.json()) as { id: string }).id;
}
