// Other content in the place of the proposed one: asked of the AI system, or written by the reviewer.
import { strict as assert } from "node:assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { command, propose } from "../lib/operator.ts";
import { rule, startReview, viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("revise", { demo: true });

let issued: Promise<string> | undefined;
let defined: Promise<void> | undefined;
let proposals = 0;

it("asks the AI system for a change and reviews its answer as a version of its own", async ({ page, server }) => {
  const { id, path, name } = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);

  await rule(page, "Request changes", "Cancel the second leg only.");
  await page.getByText("Your review is recorded.").first().waitFor();
  const told = await ask(server, "GET", `${id}?wait_seconds=10`);
  const revised = await ask(server, "POST", `${id}/revisions`, body(`${name}-2`));
  await page.goto(path);

  assert.deepEqual([told.state, told.message, told.next], ["changes_requested", "Cancel the second leg only.", "revise"]);
  assert.deepEqual([revised.state, revised.revision], ["queued", 2]);
  const history = (await page.locator("#history").textContent()) ?? "";
  assert.match(history, /Version 1.*Proposed by.*Version 2.*Revised by.*Changed/s);
  assert.match(history, /Asked for changes.*Void.*Round 1/s);
  assert.match((await page.locator("#action").textContent()) ?? "", new RegExp(`${name}-2`));
  assert.ok(await page.getByRole("main").getByRole("button", { name: "Start review" }).first().isVisible());
  await accessible(page);
});

it("approves with edits: the form shows what changes and what is sent, and somebody else reviews it", async ({ page, server, javaScript }) => {
  const { path, name } = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);

  await startReview(page);
  await page.getByRole("link", { name: "Approve with edits" }).click();
  await page.waitForURL((url) => url.pathname === `${path}/edit`);
  const field = page.locator('[name="fields[reservation_id]"]');
  assert.equal(await field.inputValue(), name);
  if (javaScript) await page.getByRole("button", { name: "Show what changes" }).waitFor({ state: "hidden" });
  if (javaScript) {
    // A tab that is loaded anew still has what was typed, and the way back to what was proposed.
    await field.fill(`${name}-typed`);
    await page.getByLabel("Reason", { exact: true }).fill("Typed before the page was loaded anew.");
    await page.reload();
    await page.getByText("What you typed here before and did not send is back.").first().waitFor();
    assert.equal(await field.inputValue(), `${name}-typed`);
    assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Typed before the page was loaded anew.");
    await page.locator("#changes").getByText(`"reservation_id": "${name}-typed"`, { exact: false }).waitFor();
    await accessible(page);
    // So has the form that links within the page lead back to.
    await page.getByRole("link", { name: "Back to the decision" }).first().click();
    await page.getByRole("link", { name: "Approve with edits" }).click();
    await page.getByText("What you typed here before and did not send is back.").first().waitFor();
    assert.equal(await field.inputValue(), `${name}-typed`);
    await page.getByRole("button", { name: "Start again from the proposal" }).click();
    assert.equal(await field.inputValue(), name);
  }
  await field.fill(`${name}-edited`);
  if (!javaScript) {
    await page.getByRole("button", { name: "Show what changes" }).click();
    await page.getByText("Nothing is recorded yet.").waitFor();
    assert.equal(await field.inputValue(), `${name}-edited`);
  }
  await page.locator("#changes").getByText("Changed").waitFor();
  const changes = (await page.locator("#changes").textContent()) ?? "";
  assert.match(changes, new RegExp(`Before.*${name}.*After.*${name}-edited`, "s"));
  assert.match(changes, new RegExp(`What the AI system will receive.*"reservation_id": "${name}-edited"`, "s"));
  await accessible(page);
  await wellFormed(page);

  await page.getByLabel("Reason code").selectOption("wrong_parameters");
  await page.getByLabel("Reason", { exact: true }).fill("The other reservation was meant.");
  await page.getByRole("main").getByRole("button", { name: "Approve with edits" }).click();
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.goto(path);

  const history = (await page.locator("#history").textContent()) ?? "";
  assert.match(history, /Version 2.*Edited by/s);
  assert.match(history, /Approved with edits.*Void/s);
  await page.getByRole("img", { name: /^2 versions, 1 review, void or taken back\./ }).waitFor();
  await page.getByText("Lineage as a list").click();
  await page.locator("figure li").getByText(/^Edited by /).waitFor();
  await accessible(page);
  assert.match((await page.locator("#review").textContent()) ?? "", /You edited this proposal, so you cannot rule on it/);
  assert.equal(await page.getByRole("main").getByRole("button", { name: "Approve", exact: true }).count(), 0);
});

it("edits a personal value once it is open, and keeps none of it in the tab", async ({ page, server, javaScript }) => {
  const path = `/decisions/${await propose(server.origin, await personalKey(server), `P${++proposals}`, { type: PERSONAL.name, parameters: { customer: "Ada Example", amount: "40.00" } })}`;
  await viewAs(page, "Senior approver");
  await page.goto(`${path}/edit`);
  await startReview(page);
  const [customer, amount] = ["customer", "amount"].map((name) => page.locator(`[name="fields[${name}]"]`));
  assert.equal(await customer.count(), 0, "what is masked has no field");

  await page.getByLabel("Why do you need to see it?").fill("The name may be misspelt.");
  await page.getByRole("button", { name: "Open for five minutes" }).click();
  if (!javaScript) await page.goto(`${path}/edit`);
  await customer.waitFor();
  assert.equal(await customer.inputValue(), "Ada Example");
  await amount.fill("30.00");
  await customer.fill("Ada Exemplar");
  if (javaScript) {
    await page.locator("#changes").getByText("Ada Exemplar", { exact: false }).first().waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    assert.ok(!kept.includes("Exemplar") && !kept.includes("Example"), kept);
  }
  await page.getByLabel("Reason code").selectOption("wrong_parameters");
  await page.getByLabel("Reason", { exact: true }).fill("That is how it is spelt.");
  await page.getByRole("main").getByRole("button", { name: "Approve with edits" }).click();
  await page.getByText("Your review is recorded.").first().waitFor();
});

it("has another version looked at before a verdict", async ({ page, server, javaScript, another }) => {
  if (!javaScript) return;
  const { id, path, name } = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).waitFor();

  const colleague = await (await another()).page();
  await viewAs(colleague, "Senior approver");
  await colleague.goto(path);
  await rule(colleague, "Request changes", "Cancel the second leg only.");
  await colleague.getByText("Your review is recorded.").first().waitFor();
  await ask(server, "GET", `${id}?wait_seconds=10`);
  await ask(server, "POST", `${id}/revisions`, body(`${name}-2`));

  await page.getByText("This decision changed after you opened it.", { exact: false }).first().waitFor();
  await page.getByRole("button", { name: "Show current" }).first().click();
  await page.getByText("The content is not the one that you had read.", { exact: false }).waitFor();
  await startReview(page);
  const approve = page.getByRole("main").getByRole("button", { name: "Approve", exact: true });
  assert.equal(await approve.getAttribute("aria-disabled"), "true");
  await page.getByText("Review the changes above first.", { exact: false }).waitFor();
  await accessible(page);

  await page.getByRole("button", { name: "Review changes" }).click();

  await page.waitForFunction(() => document.activeElement?.id === "changes");
  assert.match((await page.locator("#changes").textContent()) ?? "", new RegExp(`Version 2 differs.*${name}-2`, "s"));
  assert.equal(await page.getByText("The content is not the one that you had read.", { exact: false }).count(), 0);
  assert.equal(await approve.getAttribute("aria-disabled"), null);
  await page.getByLabel("Reason code").selectOption("within_policy");
  await page.getByLabel("Reason", { exact: true }).fill("As I asked.");
  await approve.click();
  await page.getByText("Your review is recorded.").first().waitFor();
});

it("refuses an edit that changes nothing and keeps what was typed", async ({ page, server, visitor }) => {
  visitor.expect(/status of 422/);
  const { path } = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(`${path}/edit`);

  await startReview(page);
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill("Nothing to change.");
  await page.getByRole("main").getByRole("button", { name: "Approve with edits" }).click();

  await page.getByText("Nothing is changed. Approve it as it is, or change a field.").first().waitFor();
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Nothing to change.");
});

it("arms request changes and approve with edits by their keys", async ({ page, server, javaScript }) => {
  const { path } = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);
  const order = await page.locator("#review").locator("button[name=verdict], a[href$='/edit']").allTextContents();
  assert.deepEqual(
    order.map((text) => text.trim()).slice(0, 5),
    ["Approve", "Approve with edits", "Request changes", "Escalate", "Reject"],
  );
  if (!javaScript) return;
  const armed = page.locator("[data-armed]");

  await presses(page, "c", async () => ((await armed.textContent()) ?? "").includes("Request changes"));
  await page.keyboard.press("Escape");
  await presses(page, "e", async () => ((await armed.textContent()) ?? "").includes("Approve with edits"));
  await page.keyboard.press("Control+Enter");

  await page.waitForURL((url) => url.pathname === `${path}/edit`);
});

it("says on a phone that editing needs a wider screen", async ({ page, server }) => {
  const { path } = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);
  await wellFormed(page);
  await accessible(page);

  await page.goto(`${path}/edit`);

  await page.getByText("Use a wider screen to edit").waitFor();
  assert.equal(await page.locator('[name="fields[reservation_id]"]').isVisible(), false);
  await wellFormed(page);
  await accessible(page);
}, { width: 390, height: 844 });

/** Has an agent propose something that nothing else is equal to. */
async function proposed(server: Server): Promise<{ id: string; path: string; name: string }> {
  const name = `R${++proposals}`;
  const id = await propose(server.origin, await key(server), name);
  return { id, path: `/decisions/${id}`, name };
}

/** A key of a system of the specs' own: the demo knows the types already. */
function key(server: Server): Promise<string> {
  issued ??= (async () => {
    await command("system", "register", "spec-agent", "--data", server.data);
    const made = await command("key", "create", "--system", "spec-agent", "--data", server.data);
    return made.output.trim().split("\n").at(-1) ?? "";
  })();
  return issued;
}

const PERSONAL = {
  name: "parcel.send",
  version: 1,
  title: "Send a parcel",
  risk: "low",
  reversibility: "reversible",
  risk_reasons: [],
  personal: ["customer"],
  parameters: [
    { name: "customer", label: "Customer", kind: "text", required: true },
    { name: "amount", label: "Amount", kind: "decimal", required: true },
  ],
};

/** The same key, once a type with a personal parameter is defined. */
function personalKey(server: Server): Promise<string> {
  defined ??= (async () => {
    const file = join(server.data, "personal-type.json");
    await writeFile(file, JSON.stringify(PERSONAL));
    const { status, output } = await command("type", "define", file, "--data", server.data);
    assert.equal(status, 0, output);
  })();
  return defined.then(() => key(server));
}

function body(reservation: string): string {
  return JSON.stringify({
    mode: "propose",
    action: { type: "reservation.cancel", parameters: { reservation_id: reservation } },
    rationale: "As the reviewer asked.",
  });
}

interface Told {
  state: string;
  revision: number;
  message: string | null;
  next: string | null;
}

/** Asks the API as the agent does. */
async function ask(server: Server, method: string, path: string, sent?: string): Promise<Told> {
  const headers: Record<string, string> = { authorization: `Bearer ${await key(server)}` };
  if (sent) Object.assign(headers, { "content-type": "application/json", "idempotency-key": path });
  const answer = await fetch(`${server.origin}/api/v1/decisions/${path}`, { method, headers, body: sent ?? null });
  const text = await answer.text();
  assert.ok(answer.ok, `${answer.status} ${text}`);
  return JSON.parse(text) as Told;
}

/** Presses a key until the page, which lets nothing happen at first, has taken it. */
async function presses(page: Page, letter: string, taken: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press(letter);
    if ((await page.locator("[data-armed]").count()) === 1 && (await taken())) return;
    await page.waitForTimeout(150);
  }
  assert.fail(`${letter} did nothing`);
}
