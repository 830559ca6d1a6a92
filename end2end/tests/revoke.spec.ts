// An approval is taken back: before its action ran, that stops it; afterwards somebody makes good what it did.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { keyOf, propose, report } from "../lib/operator.ts";
import { rule, viewAs } from "../lib/people.ts";
import { look } from "../lib/pictures.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const WHY = "The order was paid twice, which nobody saw.";

// A review is final at once.
const { it } = specs("revoke", { demo: true, args: ["--retract-seconds", "0,0,0"] });

let issued: Promise<string> | undefined;
let proposals = 0;

it("stops what has not run, and the AI system reads so at once", async ({ page, visitor, server }) => {
  const { id, address } = await approved(page, server);
  assert.equal((await told(server, id)).next, "act");

  await page.goto(address);
  await page.locator("#history").getByRole("link", { name: "Revoke the approval" }).click();
  await heading(page, "Revoke the approval");
  await page.getByText("It has reported no outcome yet.").waitFor();
  await wellFormed(page);
  await accessible(page);
  await look(page, "revoke-form");
  await page.goto(`${address}/revoke`);

  // Without a reason nothing happens, and what was typed stays.
  visitor.expect(/status of 422/);
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await page.getByRole("button", { name: "Revoke the approval now" }).click();
  await page.getByText("Choose a reason code.").first().waitFor();
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), WHY);
  assert.equal((await told(server, id)).next, "act");
  await accessible(page);

  await page.getByLabel("Reason code").selectOption("against_policy");
  await page.getByRole("button", { name: "Revoke the approval now" }).click();
  await heading(page, "Approval revoked");
  const after = await told(server, id);
  assert.deepEqual([after.outcome, after.next, after.reason_code], ["revoked", "stop", "against_policy"]);
  await page.getByText(WHY).waitFor();
  await wellFormed(page);
  await accessible(page);

  await page.goto(address);
  await page.locator("#ask").getByText("Revoked", { exact: true }).waitFor();
  await page.locator("#history").getByText("Approval revoked", { exact: true }).waitFor();
  await page.locator("#history").getByRole("link", { name: "Who revoked it, and why" }).waitFor();
  await wellFormed(page);
  await accessible(page);
});

it("opens a task where it had run, until somebody says what was done", async ({ page, visitor, server }) => {
  const { id, address } = await approved(page, server);
  await told(server, id);
  await report(server.origin, await key(server), id, "executed");

  await page.goto(`${address}/revoke`);
  await page.getByText("It reported that the action ran", { exact: false }).waitFor();
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await page.getByRole("button", { name: "Revoke the approval now" }).click();
  await heading(page, "Approval revoked");
  assert.equal((await told(server, id)).next, "compensate");
  await page.getByText("Open: somebody has to make good what it did.").waitFor();
  await look(page, "revoke-open");

  await report(server.origin, await key(server), id, "compensated");
  await page.goto("/queue?view=team");
  await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "To make good" }).click();
  await page.getByRole("list", { name: "To make good" }).locator(`a[href*="${id}"]`).first().waitFor();
  await wellFormed(page);
  await accessible(page);
  await look(page, "revoke-tasks");
  await page.goto(address);
  await page.locator("#history").getByRole("link", { name: "It had an effect: somebody has to make that good" }).click();
  await page.getByText("The AI system reports that it undid what it did.", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);

  visitor.expect(/status of 422/);
  await page.getByRole("button", { name: "Record it" }).click();
  await page.getByText("Say whether it was made good.").first().waitFor();
  await accessible(page);
  await page.getByLabel("Yes, it was made good").check();
  await page.getByLabel("What was done, or why nothing can be").fill("The reservation stands again.");
  await page.getByRole("button", { name: "Record it" }).click();
  await page.getByText("Made good", { exact: true }).waitFor();
  await page.getByText("The reservation stands again.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Record it" }).count(), 0);
  await wellFormed(page);
  await accessible(page);
  await look(page, "revoke-done");
  await page.goto("/queue?view=compensation");
  await page.getByText("Nothing is to be made good").waitFor();
  await wellFormed(page);
  await page.goto(`${address}/revoke`);
  assert.equal((await told(server, id)).next, "stop");

  await page.goto(`${address}/chain`);
  await page.getByText("Revoked after it had an effect, which was made good.", { exact: false }).waitFor();
});

it("is refused to who had the form open while somebody else revoked", async ({ page, server, another }) => {
  const { id, address } = await approved(page, server);
  const second = await another();
  const late = await second.page();
  await viewAs(late, "Senior approver");
  for (const form of [page, late]) {
    await form.goto(`${address}/revoke`);
    await form.getByLabel("Reason code").selectOption("other");
    await form.getByLabel("Reason", { exact: true }).fill(WHY);
  }
  await page.getByRole("button", { name: "Revoke the approval now" }).click();
  await heading(page, "Approval revoked");

  second.expect(/status of 409/);
  await late.getByRole("button", { name: "Revoke the approval now" }).click();
  await late.getByText("This approval is revoked already; read below by whom and why.").first().waitFor();
  await heading(late, "Approval revoked");
  assert.equal(await late.getByRole("button", { name: "Revoke the approval now" }).count(), 0);
  await wellFormed(late);
  await accessible(late);
  assert.equal((await told(server, id)).outcome, "revoked");
});

it("is not offered for what was never approved, nor to who may not", async ({ page, server }) => {
  const { address } = await approved(page, server);
  await viewAs(page, "Approver");
  await page.goto(address);
  await page.locator("#history").waitFor();
  assert.equal(await page.getByRole("link", { name: "Revoke the approval" }).count(), 0);
  await page.goto(`${address}/revoke`);
  await page.getByText("Revoking needs the role senior approver", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Revoke the approval now" }).count(), 0);
  await wellFormed(page);
  await accessible(page);

  const open = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(`${open.address}/revoke`);
  await page.getByText("This decision is not resolved, so there is nothing to revoke.", { exact: false }).waitFor();
  await page.goto(open.address);
  await rule(page, "Reject", "The policy does not allow it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.goto(`${open.address}/revoke`);
  await page.getByText("This decision was never approved, so there is nothing to revoke.", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Revoke the approval now" }).count(), 0);
});

async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

/** Has an agent propose something that nothing else is equal to. */
async function proposed(server: Server): Promise<{ id: string; address: string }> {
  const id = await propose(server.origin, await key(server), `R${++proposals}`);
  return { id, address: `/decisions/${id}` };
}

/** A proposal that a senior approver approves, sealed. */
async function approved(page: Page, server: Server): Promise<{ id: string; address: string }> {
  const made = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(made.address);
  await rule(page, "Approve", "The customer confirmed, and the policy allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  return made;
}

interface Resolution {
  outcome: string;
  next: string;
  reason_code: string | null;
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

/** A key of a system of the specs' own: the demo knows the types already. */
function key(server: Server): Promise<string> {
  issued ??= keyOf(server.data, "revoke-agent");
  return issued;
}
