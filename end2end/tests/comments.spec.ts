// What people say to each other: comments, mentions and questions on a decision, and notes for the next shift.
import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, rule, startReview, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("comments", { demo: true, seconds: 90 });

it("asks a colleague, who is told, answers, and tells the asker; the turn stays", async ({ page, visitor, javaScript, another }) => {
  const asked = await (await another()).page();
  await viewAs(asked, "Senior approver");
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  if (javaScript) await asked.goto(path);

  // Whom nobody knows is named and refused; the text stays.
  visitor.expect(/status of 422/);
  const text = "Does the fare allow it? The sum looks odd.\n\u202e<b>bold</b>";
  await page.getByLabel("Comment", { exact: true }).fill(text);
  await page.getByLabel("Ask for an answer (optional)").fill("nobody-here");
  await send(page);
  await page.getByText("@nobody-here: nobody of this sign-in name may read this decision", { exact: false }).first().waitFor();
  assert.equal(await page.getByLabel("Comment", { exact: true }).inputValue(), text);
  assert.equal(await page.getByLabel("Ask for an answer (optional)").inputValue(), "nobody-here");
  await wellFormed(page);
  await accessible(page);

  // Asked of somebody who may read it, it is an open question; the review goes on beside it.
  await page.getByLabel("Ask for an answer (optional)").fill("senior-approver-a");
  await send(page);
  const question = comments(page).getByRole("listitem").filter({ hasText: "The sum looks odd." });
  await question.getByText("Open question").waitFor();
  await question.getByText("to Senior approver A").waitFor();
  await question.getByText("U+202E direction override").waitFor();
  await question.getByText("<b>bold</b>", { exact: false }).waitFor();
  assert.equal(await page.getByLabel("Comment", { exact: true }).inputValue(), "");
  assert.ok(await page.getByRole("button", { name: "Start review" }).first().isEnabled());
  await page.getByText("Waits for review", { exact: true }).first().waitFor();
  await wellFormed(page);
  await accessible(page);

  // Who is asked finds it: an open page by itself, every other page by a notice without the text.
  if (javaScript) {
    await comments(asked).getByText("The sum looks odd.", { exact: false }).waitFor();
    assert.equal(await asked.getByText("This decision changed after you opened it.", { exact: false }).count(), 0);
  }
  await asked.goto("/me");
  const notice = asked.getByRole("note").getByRole("listitem").filter({ hasText: "A comment asks you a question. By: Approver A" }).first();
  await notice.waitFor();
  assert.equal(await asked.getByText("The sum looks odd.", { exact: false }).count(), 0);
  await notice.getByRole("link", { name: "Open the decision" }).click();
  await asked.waitForURL((url) => url.pathname === path);
  await asked.getByLabel("Comment", { exact: true }).fill("It does, @approver-a.");
  await asked.getByLabel("This is").selectOption({ label: "an answer to Approver A" });
  await accessible(asked);
  await send(asked);
  await comments(asked).getByText("answers Approver A").waitFor();
  await comments(asked).getByText("Question, answered").waitFor();
  assert.equal(await asked.getByLabel("This is").count(), 0);

  // The asker sees the answer without asking for it, and is told.
  if (javaScript) await comments(page).getByText("It does, @approver-a.").waitFor();
  await page.goto("/me");
  await page.getByRole("note").getByText("Your question was answered. By: Senior approver A", { exact: false }).first().waitFor();
  await page.getByRole("button", { name: "I have read this" }).click();
  await page.goto(path);
  await rule(page, "Approve", "The fare allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();

  // What is resolved is talked about afterwards; an auditor only reads.
  await page.goto(path);
  await page.getByLabel("Comment", { exact: true }).fill("Told the customer.");
  await send(page);
  await comments(page).getByText("Told the customer.").waitFor();
  await viewAs(page, "Auditor");
  await page.goto(path);
  await comments(page).getByText("auditors only read", { exact: false }).waitFor();
  assert.equal(await page.getByLabel("Comment", { exact: true }).count(), 0);
  await comments(page).getByText("It does, @approver-a.").waitFor();
  await accessible(page);
});

it("keeps what is typed in both forms while others comment", async ({ page, javaScript, another }) => {
  if (!javaScript) return;
  const other = await (await another()).page();
  await viewAs(other, "Senior approver");
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await startReview(page);
  await page.getByLabel("Reason", { exact: true }).fill("Half a reason");
  await page.getByLabel("Comment", { exact: true }).fill("Half a comment");

  await other.goto(path);
  await other.getByLabel("Comment", { exact: true }).fill("Here first.");
  await send(other);

  await comments(page).getByText("Here first.").waitFor();
  assert.equal(await page.getByLabel("Comment", { exact: true }).inputValue(), "Half a comment");
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Half a reason");
  await page.getByRole("button", { name: "Comment", exact: true }).dblclick();
  await comments(page).getByText("Half a comment").waitFor();
  await page.waitForTimeout(500);
  assert.equal(await comments(page).getByText("Half a comment").count(), 1, "a double click is one comment");
});

it("hands over to the next shift, until each reader puts it away and somebody ends it", async ({ page, visitor, javaScript, another }) => {
  const next = await (await another()).page();
  await viewAs(next, "Senior approver");
  await next.goto("/queue");
  await viewAs(page, "Approver");
  await page.goto("/queue");
  await page.getByRole("link", { name: "Hand over", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Hand-over" }).waitFor();
  await page.getByText("No note runs").waitFor();
  await wellFormed(page);
  await accessible(page);

  visitor.expect(/status of 422/);
  await page.getByRole("button", { name: "Leave a note" }).click();
  await page.getByText("Note: write something here.").first().waitFor();
  const words = "Airline calls pile up after nine.\nCall the desk first.";
  await page.getByLabel("Note", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Leave a note" }).click();
  await page.getByRole("heading", { name: "Hand-over for all AI systems" }).waitFor();
  await accessible(page);

  if (!javaScript) await next.goto("/queue");
  await next.getByText("Airline calls pile up", { exact: false }).waitFor();
  await next.getByText("Hand-over for all AI systems").waitFor();
  await wellFormed(next);
  await accessible(next);
  await next.getByRole("button", { name: "Put away" }).click();
  // The page it comes back to has the address that it has already.
  await next.getByText("Airline calls pile up", { exact: false }).waitFor({ state: "detached" });
  await next.waitForURL((url) => url.pathname === "/queue");
  await next.getByRole("heading", { level: 1, name: "Queue" }).waitFor();

  await page.goto("/queue");
  await page.getByText("Airline calls pile up", { exact: false }).waitFor();
  await next.goto("/handovers");
  await next.getByRole("button", { name: "End for everybody" }).click();
  await next.getByText("No note runs").waitFor();
  if (!javaScript) await page.goto("/queue");
  await page.getByText("Airline calls pile up", { exact: false }).waitFor({ state: "detached" });
});

// COUNTERSIGN_SHOTS names the directory that pictures go to.
it("fits a phone and is readable in the dark", async ({ javaScript, another }) => {
  const place = process.env.COUNTERSIGN_SHOTS;
  if (place) mkdirSync(place, { recursive: true });
  const looks = [["dark", 1440], ["light", 390], ["light", 1440], ["dark", 390]] as const;
  for (const [theme, width] of place ? looks : looks.slice(0, 2)) {
    // Both modes may find the same decision first, and each leaves its words there.
    const words = `${theme} ${width} ${javaScript ? "with" : "without"} JavaScript`;
    const page = await (await another({ theme, width, height: width === 390 ? 844 : 900 })).page();
    const judge = async (name: string) => {
      await wellFormed(page);
      await accessible(page);
      const file = place && javaScript ? join(place, `talk-${name}-${theme}-${width}.png`) : undefined;
      if (file) await page.screenshot({ path: file, fullPage: true });
    };
    await viewAs(page, "Approver");
    const path = await openFirst(page);
    await page.getByLabel("Comment", { exact: true }).fill(`Is the sum right? ${words}`);
    await page.getByLabel("Ask for an answer (optional)").fill("senior-approver-a");
    await send(page);
    await comments(page).getByText(words, { exact: false }).waitFor();
    await viewAs(page, "Senior approver");
    await page.goto(path);
    await judge("comments");
    await page.goto("/handovers");
    await page.getByLabel("Note", { exact: true }).fill(`Mind the refunds. ${words}`);
    await page.getByRole("button", { name: "Leave a note" }).click();
    await page.getByText(words, { exact: false }).first().waitFor();
    await judge("handovers");
    await page.goto("/queue");
    await judge("queue");
    await page.goto("/me");
    await judge("me");
  }
});

function comments(page: Page) {
  return page.getByRole("list", { name: "Comments" }).locator("xpath=..");
}

async function send(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Comment", exact: true }).click();
}
