// What a rule refused is released by one person, and another one looks at that: upheld, or revoked.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { keyOf } from "../lib/operator.ts";
import { viewAs } from "../lib/people.ts";
import { look } from "../lib/pictures.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const WHY = "The customer was charged twice, and the bank says so.";
const LABEL = /^Released by override of rule refund-excessive, version \d+$/;

// The policy of the demo's past refuses refunds above 2000.
const { it } = specs("override", { demo: true, days: 6, seconds: 120 });

let issued: Promise<string> | undefined;
let proposals = 0;

it("releases what a rule refused, and the AI system reads so when it asks again", async ({ page, visitor, server }) => {
  const { id, address } = await refused(server);
  await viewAs(page, "Senior approver");
  await page.goto(address);
  await page.locator("#history").getByText(/^Rejected by rule refund-excessive, version \d+$/).waitFor();
  await page.locator("#history").getByRole("link", { name: "Override the rule" }).click();
  await heading(page, "Override the rule");
  await page.getByText("The AI system was told that its proposal is rejected.", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await narrow(page);
  await look(page, "override-form");
  await page.goto(`${address}/override`);

  // Without a reason nothing happens, and what was typed stays.
  visitor.expect(/status of 422/);
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await page.getByRole("button", { name: "Override the rule now" }).click();
  await page.getByText("Choose a reason code.").first().waitFor();
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), WHY);
  assert.equal((await told(server, id)).next, "stop");
  await accessible(page);

  await page.getByLabel("Reason code").selectOption("other");
  await page.getByRole("button", { name: "Override the rule now" }).click();
  await heading(page, "Rule overridden");
  await page.getByText(LABEL).first().waitFor();
  await page.getByText(WHY).first().waitFor();
  await page.getByText("Waits for another person").first().waitFor();
  await wellFormed(page);
  await accessible(page);
  const after = await until(server, id, "act");
  assert.deepEqual([after.outcome, after.decided_by.kind, after.reason_code], ["approved", "override", "other"]);

  await page.goto(address);
  await page.locator("#ask").getByText(LABEL).waitFor();
  await page.locator("#history").getByText(LABEL).first().waitFor();
  await page.locator("#history").getByRole("link", { name: "Who released it, and why" }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await page.goto(`${address}/chain`);
  await page.getByText("Released by override of rule refund-excessive", { exact: false }).first().waitFor();
});

it("is looked at by another person, never by who did it, and what is not upheld is revoked", async ({ page, visitor, server }) => {
  const { id, address } = await overridden(page, server);

  // Who did it reads why somebody else has to look.
  await page.goto(address);
  await page.locator("#history").getByRole("link", { name: "Override", exact: true }).click();
  await page.getByText("You did this, so somebody else has to look at it.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Record it" }).count(), 0);
  await wellFormed(page);
  await accessible(page);
  const act = new URL(page.url()).search;

  await viewAs(page, "Compliance officer");
  await page.goto("/post-reviews");
  await heading(page, "Post-reviews");
  await page.getByRole("heading", { name: "Waiting for another person" }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await narrow(page);
  await look(page, "post-reviews");
  await page.locator(`a[href="/post-reviews${act}"]`).click();
  await page.getByText(WHY).first().waitFor();

  visitor.expect(/status of 422/);
  await page.getByRole("button", { name: "Record it" }).click();
  await page.getByText("Say whether you uphold it.").first().waitFor();
  await accessible(page);
  await page.getByLabel("No, I do not uphold it; the approval can be revoked then").check();
  await page.getByLabel("Reason", { exact: true }).fill("The letter is about another order.");
  await page.getByRole("button", { name: "Record it" }).click();
  await page.getByText("Not upheld", { exact: true }).first().waitFor();
  await page.getByText("The letter is about another order.").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Record it" }).count(), 0);
  await wellFormed(page);
  await accessible(page);

  await viewAs(page, "Senior approver");
  await page.goto(`/post-reviews${act}`);
  await page.getByRole("link", { name: "Revoke the approval" }).click();
  await heading(page, "Revoke the approval");
  await page.getByLabel("Reason code").selectOption("against_policy");
  await page.getByLabel("Reason", { exact: true }).fill("It was not upheld.");
  await page.getByRole("button", { name: "Revoke the approval now" }).click();
  await heading(page, "Approval revoked");
  assert.equal((await until(server, id, "stop")).outcome, "revoked");
});

it("is refused to who had the form open while somebody else overrode", async ({ page, server, another }) => {
  const { address } = await refused(server);
  const second = await another();
  const late = await second.page();
  for (const form of [page, late]) {
    await viewAs(form, "Senior approver");
    await form.goto(`${address}/override`);
    await form.getByLabel("Reason code").selectOption("other");
    await form.getByLabel("Reason", { exact: true }).fill(WHY);
  }
  await page.getByRole("button", { name: "Override the rule now" }).click();
  await heading(page, "Rule overridden");

  second.expect(/status of 409/);
  await late.getByRole("button", { name: "Override the rule now" }).click();
  await late.getByText("This decision is released already; read below by whom and why.").first().waitFor();
  await heading(late, "Rule overridden");
  assert.equal(await late.getByRole("button", { name: "Override the rule now" }).count(), 0);
  await wellFormed(late);
  await accessible(late);
});

it("is not offered to who may not, nor for what no rule refused", async ({ page, visitor, server }) => {
  const { address } = await refused(server);
  await viewAs(page, "Approver");
  await page.goto(address);
  await page.locator("#history").waitFor();
  assert.equal(await page.getByRole("link", { name: "Override the rule" }).count(), 0);
  await page.goto(`${address}/override`);
  await page.getByText("Overriding needs the role senior approver", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Override the rule now" }).count(), 0);
  await wellFormed(page);
  await accessible(page);
  visitor.expect(/status of 403/);
  const answer = await page.goto("/post-reviews");
  assert.equal(answer?.status(), 403);

  await viewAs(page, "Senior approver");
  const open = await proposed(server, "300.00");
  await page.goto(`/decisions/${open}/override`);
  await page.getByText("This decision is not resolved, so there is nothing to override.", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Override the rule now" }).count(), 0);
});

async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

/** Looks at the page as a phone shows it. */
async function narrow(page: Page): Promise<void> {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  await accessible(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `the page is ${wide} px too wide for a phone`);
  if (size) await page.setViewportSize(size);
}

/** Has an agent propose a refund that nothing else is equal to. */
async function proposed(server: Server, amount: string): Promise<string> {
  const order = `O-${++proposals}`;
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await key(server)}`,
      "content-type": "application/json",
      "idempotency-key": order,
    },
    body: JSON.stringify({
      mode: "propose",
      action: {
        type: "refund.issue",
        parameters: { order, item: "camera", cause: "arrived broken", amount, days_since_delivery: 3 },
      },
      rationale: "The customer asks for it.",
      subjects: [{ ref: "customer 7", kind: "person" }],
      impact: { effects: ["financial"], adverse: false, affected: 1 },
    }),
  });
  assert.ok(answer.ok, await answer.clone().text());
  return ((await answer.json()) as { id: string }).id;
}

/** A refund that the policy refuses, which its agent is told. */
async function refused(server: Server): Promise<{ id: string; address: string }> {
  const id = await proposed(server, "2400.00");
  assert.equal((await told(server, id)).outcome, "rejected");
  return { id, address: `/decisions/${id}` };
}

/** A refund that a senior approver has released. */
async function overridden(page: Page, server: Server): Promise<{ id: string; address: string }> {
  const made = await refused(server);
  await viewAs(page, "Senior approver");
  await page.goto(`${made.address}/override`);
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await page.getByRole("button", { name: "Override the rule now" }).click();
  await heading(page, "Rule overridden");
  return made;
}

interface Resolution {
  outcome: string;
  next: string;
  reason_code: string | null;
  decided_by: { kind: string };
}

/** Asks for the answer as the agent does, until there is one. */
async function told(server: Server, id: string): Promise<Resolution> {
  const headers = { authorization: `Bearer ${await key(server)}` };
  const answer = await fetch(`${server.origin}/api/v1/decisions/${id}?wait_seconds=20`, { headers });
  assert.ok(answer.ok, `${answer.status}`);
  const { resolution } = (await answer.json()) as { resolution: Resolution | null };
  assert.ok(resolution, "it is resolved");
  return resolution;
}

/** Asks again until the agent reads what it may do: a release is told once it is sealed. */
async function until(server: Server, id: string, next: string): Promise<Resolution> {
  for (let tries = 0; tries < 50; tries++) {
    const resolution = await told(server, id);
    if (resolution.next === next) return resolution;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`the agent never read ${next}`);
}

/** A key of a system of the specs' own: the demo knows the types already. */
function key(server: Server): Promise<string> {
  issued ??= keyOf(server.data, "override-agent");
  return issued;
}
