// What a decision type asks beside code and reason, and which fields behind a control were opened.
import { strict as assert } from "node:assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { accessible, wellFormed } from "../lib/checks.ts";
import { command, keyOf, propose } from "../lib/operator.ts";
import { startReview, viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("forms", { demo: true });

const LOAN = {
  name: "loan.answer",
  version: 1,
  title: "Answer a loan",
  risk: "low",
  reversibility: "compensable",
  risk_reasons: [],
  parameters: [{ name: "file", label: "File", kind: "text", required: true }],
  form: [
    { name: "documents", label: "Income was checked against", kind: "choice", choices: ["Payslips", "Tax return"], required: true },
    { name: "visited", label: "Did you see the house?", kind: "boolean", required: false },
    { name: "conditions", label: "Conditions", hint: "What has to be shown first", kind: "text", required: true, verdicts: ["approve", "approve_with_edits"] },
    { name: "rate", label: "Rate in percent", kind: "decimal", required: false },
  ],
};

let ready: Promise<string> | undefined;
let proposals = 0;

it("asks what the type asks, keeps what was typed, and seals it with the review", async ({ page, server, visitor, javaScript }) => {
  visitor.expect(/status of 422/);
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);
  await accessible(page);

  await page.getByLabel("Rate in percent").fill("7,5");
  await page.getByLabel("Did you see the house?").selectOption("false");
  await page.getByRole("main").getByRole("button", { name: "Approve", exact: true }).click();

  // Each fault is named and leads to its field; nothing that was typed is gone.
  const summary = page.getByRole("alert").filter({ hasText: "The review was not recorded" }).first();
  await summary.waitFor();
  for (const fault of ["Income was checked against: Choose one.", "Conditions: Write something here.", "Rate in percent: Type a decimal"]) {
    await summary.getByText(fault, { exact: false }).first().waitFor();
  }
  await accessible(page);
  assert.equal(await page.getByLabel("Rate in percent").inputValue(), "7,5");
  assert.equal(await page.getByLabel("Did you see the house?").inputValue(), "false");

  await page.getByLabel("Rate in percent").fill("7.5");
  await page.getByLabel("Income was checked against").selectOption("Tax return");
  await page.getByLabel("Conditions").fill("The original deed\nand one payslip more");
  if (javaScript) {
    await page.reload();
    await page.waitForFunction(() => (document.getElementById("form[conditions]") as HTMLTextAreaElement | null)?.value.startsWith("The original"));
    assert.equal(await page.getByLabel("Income was checked against").inputValue(), "Tax return");
  }
  await page.getByRole("main").getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Your review is recorded.").first().waitFor();

  await viewAs(page, "Auditor");
  await page.goto(path);
  const answers = await page.locator("#history dl").filter({ hasText: "Income was checked against" }).first().innerText();
  for (const words of ["Tax return", "No", "The original deed", "and one payslip more", "7.5"]) assert.ok(answers.includes(words), answers);
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await wellFormed(page);
    await accessible(page);
  }
});

it("asks less of who says no, and the page of edits asks too", async ({ page, server, visitor }) => {
  visitor.expect(/status of 422/);
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(`${path}/edit`);
  await startReview(page);
  await page.locator('[name="fields[file]"]').fill("other");
  await page.getByLabel("Reason code").selectOption("wrong_parameters");
  await page.getByLabel("Reason", { exact: true }).fill("It is the other file.");
  await page.getByRole("main").getByRole("button", { name: "Approve with edits" }).click();
  await page.getByText("Conditions: Write something here.", { exact: false }).first().waitFor();
  assert.equal(await page.locator('[name="fields[file]"]').inputValue(), "other");

  await page.goto(path);
  await startReview(page);
  await page.getByLabel("Income was checked against").selectOption("Payslips");
  await page.getByLabel("Reason code").selectOption("against_policy");
  await page.getByLabel("Reason", { exact: true }).fill("The payslips are of somebody else.");
  await page.getByRole("main").getByRole("button", { name: "Reject", exact: true }).click();
  await page.getByText("Your review is recorded.").first().waitFor();
});

it("goes by key to the first field that is not answered", async ({ page, server, javaScript }) => {
  if (!javaScript) return;
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);
  await page.waitForTimeout(500);

  await page.keyboard.press("a");
  await page.waitForFunction(() => document.activeElement?.id === "form[documents]");
});

it("says to an auditor whether what stood behind a control was opened", async ({ page, server, javaScript }) => {
  for (const opens of [true, false]) {
    const path = await proposed(server);
    await viewAs(page, "Senior approver");
    await page.goto(path);
    await startReview(page);
    if (opens && javaScript) await page.locator("#evidence details > summary").first().click();
    await page.getByLabel("Income was checked against").selectOption("Payslips");
    await page.getByLabel("Conditions").fill("None beyond the usual.");
    await page.getByRole("main").getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByText("Your review is recorded.").first().waitFor();

    await viewAs(page, "Auditor");
    await page.goto(path);
    await page.locator("#history").getByRole("link", { name: /^What was shown to/ }).first().click();
    await page.getByText("This is what was shown.").waitFor();
    const mark = !javaScript ? "Behind a control" : opens ? "Behind a control, which they opened" : "Behind a control, which they left closed";
    await page.getByText(mark, { exact: true }).waitFor();
  }
});

/** Path of a loan that waits for an answer, with a conversation behind a control. */
async function proposed(server: Server): Promise<string> {
  ready ??= (async () => {
    const file = join(server.data, "loan-type.json");
    await writeFile(file, JSON.stringify(LOAN));
    const { status, output } = await command("type", "define", file, "--data", server.data);
    assert.equal(status, 0, output);
    return keyOf(server.data, "loan-agent");
  })();
  const name = `loan-${(proposals += 1)}`;
  const context = { conversation: name, steps: [{ role: "user", text: "I would like to build." }] };
  const id = await propose(server.origin, await ready, name, { type: "loan.answer", parameters: { file: name } }, { context });
  return `/decisions/${id}`;
}
