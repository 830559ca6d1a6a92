// Policies: a draft with one row, what it would do with one decision, the second person, and who may not.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("policies", { demo: true });

it("writes a row, shows what it would do, and comes into force by another person", async ({ page, javaScript, visitor }) => {
  const name = javaScript ? "two-people" : "two-people-again";
  await viewAs(page, "Approver");
  const decision = (await openFirst(page)).split("/").at(-1) ?? "";
  await viewAs(page, "Policy author");
  await page.goto("/policies");
  await page.getByRole("button", { name: "Begin a draft" }).click();
  await page.waitForURL(/\/policies\/drafts\//);
  const draft = new URL(page.url()).pathname;

  // A field that cannot be read is named, and what was typed stays.
  visitor.expect(/status of 422/);
  await page.getByLabel("Name of the rule").fill(name);
  await page.getByLabel("Fact 1").selectOption("risk");
  await page.getByLabel("Comparison 1").selectOption("at_least");
  await page.getByLabel("Values 1").fill("medium");
  await page.getByLabel("Time to the deadline").fill("soon");
  await page.getByLabel("Approvals by approvers").fill("2");
  await page.getByLabel("Rejections that reject it").fill("2");
  await page.getByRole("button", { name: "Save to the draft" }).click();
  await page.getByText("Write a time such as 30 m, 4 h or 2 d.").first().waitFor();
  assert.equal(await page.getByLabel("Name of the rule").inputValue(), name);
  assert.equal(await page.getByLabel("Values 1").inputValue(), "medium");
  await page.getByLabel("Time to the deadline").fill("30 m");
  await page.getByRole("button", { name: "Save to the draft" }).click();
  await page.getByText("risk is at least medium").first().waitFor();
  await page.getByText("2 different approvers, or 2 rejections to reject it, within 30 m", { exact: false }).first().waitFor();
  if (!javaScript) {
    // The row of the first run asks for the same, so this one has to stand above it.
    await page.getByRole("button", { name: `Move up ${name}` }).click();
    await page.getByRole("main").getByRole("listitem").first().getByText(name, { exact: true }).first().waitFor();
  }
  await wellFormed(page);
  await accessible(page);

  // What it would do with one decision, before it does it with any.
  await page.getByLabel("Decision", { exact: true }).fill("no-such-decision");
  await page.getByRole("button", { name: "Ask the draft" }).click();
  await page.getByText("There is no decision no-such-decision that you may see.", { exact: false }).waitFor();
  await page.getByLabel("Decision", { exact: true }).fill(decision);
  await page.getByRole("button", { name: "Ask the draft" }).click();
  await page.waitForURL(/decision=/);
  await page.getByText(/^(two-people|two-people-again|default): Require people$/).first().waitFor();
  await page.getByRole("heading", { name: "How the table was read" }).waitFor();

  await page.getByLabel("What changes, and why").fill("Two people look at what is not harmless.");
  await page.getByRole("button", { name: "Hand it over" }).click();
  await page.getByText("Waits for a second person").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Put it in force" }).count(), 0, "its author does not");

  await viewAs(page, "Compliance officer");
  await page.goto(draft);
  await page.getByText("Two people look at what is not harmless.").first().waitFor();
  await page.getByRole("button", { name: "Put it in force" }).click();
  await page.getByRole("heading", { level: 1, name: /^Policy, version \d+$/ }).waitFor();
  await page.getByText("Compliance officer A").first().waitFor();
  await page.getByText("Added").first().waitFor();
  await wellFormed(page);
  await accessible(page);

  // Decisions are routed by it from then on, and say so.
  await viewAs(page, "Approver");
  await routedBy(page, name);
});

it("shows readers the table and the guards, and nobody else anything", async ({ page, visitor }) => {
  await viewAs(page, "Approver");
  await page.goto("/policies");
  await page.getByRole("heading", { name: "Table in force" }).waitFor();
  await page.getByText("What cannot be undone is never approved by a rule.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Begin a draft" }).count(), 0);
  await page.getByText("Policy authors write drafts.", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await page.goto("/policies/1");
  await page.getByText("The operator's command or the first start").first().waitFor();

  await viewAs(page, "Viewer");
  visitor.expect(/status of 403/);
  const answer = await page.goto("/policies");
  assert.equal(answer?.status(), 403);
});

it("lowers the limit of the guards at once", async ({ page, javaScript }) => {
  const limit = javaScript ? "9000" : "8000";
  await viewAs(page, "Compliance officer");
  await page.goto("/policies");
  await page.getByLabel("Highest amount a rule approves by itself").fill(limit);
  await page.getByRole("button", { name: "Set" }).click();
  await page.getByText(`The limit for rules is ${limit}`, { exact: false }).waitFor();
});

/** Waits for a decision that this rule sent to people, and reads on its page why. */
async function routedBy(page: Page, name: string): Promise<void> {
  for (let tries = 0; tries < 30; tries++) {
    await page.goto("/queue");
    const links = page.getByRole("main").locator('a[href^="/decisions/"]');
    for (const path of await links.evaluateAll((all) => all.slice(0, 6).map((link) => link.getAttribute("href") ?? ""))) {
      await page.goto(path);
      const row = page.getByRole("listitem").filter({ hasText: `${name} decided` });
      if ((await row.count()) > 0) {
        await page.getByText("It decided: risk is", { exact: false }).first().waitFor();
        return;
      }
    }
    await page.waitForTimeout(500);
  }
  assert.fail(`no decision of the queue was routed by ${name}`);
}
