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
    { name: "house", label: "What is said of the house", kind: "text", required: false },
    { name: "family", label: "What is said of the family", kind: "text", required: false },
    { name: "work", label: "What is said of the work", kind: "text", required: false },
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

it("takes and keeps what the fields hold in a script of three bytes a letter", async ({ page, server, visitor }) => {
  visitor.expect(/status of 422/);
  const path = await proposed(server);
  const long = "審".repeat(2_000);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);
  await page.getByLabel("Reason", { exact: true }).fill(long);
  for (const label of ["Conditions", "What is said of the house", "What is said of the family", "What is said of the work"]) {
    await page.getByLabel(label).fill(long);
  }
  await page.getByRole("main").getByRole("button", { name: "Approve", exact: true }).click();

  await page.getByText("Income was checked against: Choose one.", { exact: false }).first().waitFor();
  assert.equal(await page.getByLabel("What is said of the work").inputValue(), long);
  await page.getByLabel("Income was checked against").selectOption("Payslips");
  await page.getByRole("main").getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Your review is recorded.").first().waitFor();
});

it("has what was typed back, without JavaScript too, when a review that was taken over is taken back", async ({ page, visitor, server, javaScript, another }) => {
  if (javaScript) return;
  visitor.expect(/status of 4(09|22)/);
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);
  await page.getByLabel("Reason code").selectOption("within_policy");
  await page.getByLabel("Reason", { exact: true }).fill("All of it fits.");
  await page.getByLabel("Income was checked against").selectOption("Payslips");
  await page.getByLabel("Conditions").fill("The deed.");
  const second = await (await another()).page();
  await viewAs(second, "Approver");
  await second.goto(path);
  await startReview(second);

  const main = page.getByRole("main");
  await main.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Approver A took this review over.", { exact: false }).first().waitFor();
  for (const text of ["All of it fits.", "Conditions: The deed."]) await main.getByText(text).first().waitFor();
  await main.locator("summary", { hasText: "Take over" }).click();
  await main.getByRole("button", { name: "Take this review over" }).click();
  await page.getByText("Reason: write something here.", { exact: false }).first().waitFor();
  await main.getByLabel("Why you take it over").fill("I had begun.");
  await main.getByRole("button", { name: "Take this review over" }).click();

  await page.getByText("You have this until").waitFor();
  assert.equal(await page.getByLabel("Reason code").inputValue(), "within_policy");
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "All of it fits.");
  assert.equal(await page.getByLabel("Income was checked against").inputValue(), "Payslips");
  assert.equal(await page.getByLabel("Conditions").inputValue(), "The deed.");
  await main.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Your review is recorded.").first().waitFor();
});

it("keeps what is typed for one decision out of the form of another", async ({ page, server, javaScript }) => {
  if (!javaScript) return;
  const [one, other] = [await proposed(server), await proposed(server)];
  await viewAs(page, "Senior approver");
  await page.goto(one);
  await startReview(page);
  await page.getByLabel("Conditions").fill("Of the first.");
  // Within the page, as a link leads on and the browser's history back.
  await page.evaluate((path) => {
    const link = document.createElement("a");
    link.href = path;
    document.getElementById("main")?.append(link);
    link.click();
  }, other);
  await page.waitForURL((url) => url.pathname === other);
  await startReview(page);
  assert.equal(await page.getByLabel("Conditions").inputValue(), "");
  await page.getByLabel("Conditions").fill("Of the second.");
  await page.getByLabel("Reason", { exact: true }).fill("Because of the second.");

  await page.goBack();
  await page.waitForURL((url) => url.pathname === one);
  await startReview(page);
  await page.waitForFunction(() => (document.getElementById("form[conditions]") as HTMLTextAreaElement | null)?.value === "Of the first.");
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "");
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
    const mark = !javaScript ? "Behind a control" : opens ? "Behind a control, opened on that page" : "Behind a control, not opened on that page";
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
