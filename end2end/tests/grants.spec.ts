// One person asks for a grant, another one activates it, it approves within its scope, and anybody who reviews revokes it.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { keyOf } from "../lib/operator.ts";
import { viewAs } from "../lib/people.ts";
import { look } from "../lib/pictures.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const WHY = "The carrier lost a lorry; its customers ask for small sums.";

const { it } = specs("grants", { demo: true, days: 6, seconds: 120 });

let issued: Promise<string> | undefined;
let proposals = 0;

it("is asked for in words, activated by another person, used within its scope and revoked by one", async ({ page, visitor, server }) => {
  await key(server);
  await viewAs(page, "Approver");
  await page.goto("/grants");
  await heading(page, "Grants");
  await wellFormed(page);
  await accessible(page);
  await page.getByRole("link", { name: "Ask for a grant" }).first().click();
  await heading(page, "Ask for a grant");
  await page.getByLabel("AI system").selectOption({ label: "grants-agent" });
  await page.getByLabel("Decision type").selectOption({ label: "Issue a refund (refund.issue)" });
  await wellFormed(page);
  await accessible(page);
  await page.getByRole("button", { name: "Next: within which values" }).click();

  // Without an amount nothing is written out, and what was typed stays.
  await page.getByLabel("Uses").fill("2");
  await page.getByRole("button", { name: "Next: read it in words" }).click();
  await page.getByText("say up to how much", { exact: false }).first().waitFor();
  assert.equal(await page.getByLabel("Uses").inputValue(), "2");
  await wellFormed(page);
  await accessible(page);
  await narrow(page);
  await look(page, "grants-form");
  await page.getByLabel("Refund in euros, at most").fill("120");
  await page.getByLabel("Hours").fill("4");
  await page.getByRole("button", { name: "Next: read it in words" }).click();
  await page.getByText("grants-agent may do this at most 2 times without anybody being asked", { exact: false }).waitFor();
  await page.getByText("is at most 120.", { exact: false }).waitFor();
  await page.getByText("ends 4 hours later", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await narrow(page);
  await look(page, "grants-words");

  // Without a reason nothing is asked for, and what was chosen stays.
  visitor.expect(/status of 422/);
  await page.getByRole("button", { name: "Ask for this grant" }).click();
  await page.getByText("Say why. Whoever activates the grant reads it.").first().waitFor();
  await page.getByText("is at most 120.", { exact: false }).waitFor();
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await page.getByRole("button", { name: "Ask for this grant" }).click();
  await page.waitForURL(/\/grants\/[0-9a-f-]{36}$/);
  await page.getByText("Waits for another person").first().waitFor();
  await page.getByText("You asked for this grant, so somebody else has to activate it.").waitFor().catch(async () => {
    // An approver lacks the role as well.
    await page.getByText("Activating this grant takes", { exact: false }).waitFor();
  });
  const address = new URL(page.url()).pathname;
  await wellFormed(page);
  await accessible(page);
  assert.equal((await answered(server, "90.00")).resolution, null);

  await viewAs(page, "Senior approver");
  await page.goto(address);
  await page.getByText(WHY).first().waitFor();
  await narrow(page);
  await look(page, "grants-activate");
  await page.getByLabel("Reason", { exact: true }).first().fill("The carrier's list confirms it.");
  await page.getByRole("button", { name: "Activate this grant" }).click();
  await page.getByRole("button", { name: "Revoke this grant now" }).waitFor();
  await page.getByText("Active", { exact: true }).first().waitFor();
  await wellFormed(page);
  await accessible(page);

  const first = await until(server, "91.00");
  assert.deepEqual([first.resolution?.outcome, first.resolution?.decided_by.kind], ["approved", "grant"]);
  const large = await answered(server, "130.00");
  assert.equal(large.resolution, null);
  await page.goto(`/decisions/${first.id}`);
  await page.locator("#ask").getByText(/^Approved by grant [0-9A-F]{8}$/).waitFor();
  await page.locator("#history").getByRole("link", { name: "Read the grant" }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await look(page, "grants-approved");
  await page.goto(`/decisions/${large.id}`);
  await page.locator("#policy").getByText("refund in euros is at most 120; here it is 130.00.", { exact: false }).waitFor();
  await accessible(page);
  await look(page, "grants-outside");

  // Anybody who reviews for the AI system ends it alone, at once.
  await viewAs(page, "Approver");
  await page.goto(address);
  await page.getByText(/1 of 2 uses made, 1 left/).first().waitFor();
  await page.getByLabel("Reason", { exact: true }).fill("It is not one lorry.");
  await page.getByRole("button", { name: "Revoke this grant now" }).click();
  await page.getByText("Revoked", { exact: true }).first().waitFor();
  await page.getByText("It is not one lorry.").first().waitFor();
  await wellFormed(page);
  await accessible(page);
  await narrow(page);
  await look(page, "grants-one");
  assert.equal((await answered(server, "92.00")).resolution, null);
  await page.goto("/grants");
  await page.getByRole("heading", { name: "Over" }).waitFor();
  await narrow(page);
  await look(page, "grants-list");
});

it("is refused by who may activate it, and who reviews nothing asks for none", async ({ page, visitor, server }) => {
  await key(server);
  await viewAs(page, "Approver");
  await page.goto("/grants/new");
  await page.getByLabel("AI system").selectOption({ label: "grants-agent" });
  await page.getByLabel("Decision type").selectOption({ label: "Issue a refund (refund.issue)" });
  await page.getByRole("button", { name: "Next: within which values" }).click();
  await page.getByLabel("Refund in euros, at most").fill("60");
  await page.getByRole("button", { name: "Next: read it in words" }).click();
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await page.getByRole("button", { name: "Ask for this grant" }).click();
  await page.waitForURL(/\/grants\/[0-9a-f-]{36}$/);
  const address = new URL(page.url()).pathname;

  await viewAs(page, "Compliance officer");
  await page.goto(address);
  await page.locator("#refuse-reason").fill("Look at each of them.");
  await page.getByRole("button", { name: "Refuse this grant" }).click();
  await page.getByText("Refused", { exact: true }).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Activate this grant" }).count(), 0);
  await accessible(page);

  visitor.expect(/status of 403/);
  await viewAs(page, "Auditor");
  assert.equal((await page.goto("/grants"))?.status(), 200);
  assert.equal((await page.goto("/grants/new"))?.status(), 403);
  await viewAs(page, "Admin");
  assert.equal((await page.goto("/grants"))?.status(), 403);
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

interface Answered {
  id: string;
  resolution: { outcome: string; decided_by: { kind: string } } | null;
}

/** Has an agent propose a refund that nothing else is equal to, and returns what it reads then. */
async function answered(server: Server, amount: string): Promise<Answered> {
  const order = `O-${++proposals}`;
  const headers = { authorization: `Bearer ${await key(server)}`, "content-type": "application/json" };
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: { ...headers, "idempotency-key": order },
    body: JSON.stringify({
      mode: "propose",
      action: {
        type: "refund.issue",
        parameters: { order, item: "camera", cause: "arrived broken", amount, days_since_delivery: 3 },
      },
      rationale: "The customer asks for it.",
      confidence: "0.9",
      subjects: [{ ref: "customer 7", kind: "person" }],
      impact: { effects: ["financial"], adverse: false, affected: 1 },
    }),
  });
  assert.ok(answer.ok, await answer.clone().text());
  const { id } = (await answer.json()) as Answered;
  const read = await fetch(`${server.origin}/api/v1/decisions/${id}`, { headers });
  return (await read.json()) as Answered;
}

/** Proposes until a grant approves it: an activation takes effect once it is sealed. */
async function until(server: Server, amount: string): Promise<Answered> {
  for (let tries = 0; tries < 50; tries++) {
    const found = await answered(server, amount);
    if (found.resolution) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail("no grant approved it");
}

/** A key of a system of the specs' own: the demo knows the types already. */
function key(server: Server): Promise<string> {
  issued ??= keyOf(server.data, "grants-agent");
  return issued;
}
