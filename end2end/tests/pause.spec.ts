// The kill switch: two steps to stop an AI system, what everybody sees meanwhile, and somebody else who resumes it.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, rule, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("pause", { demo: true });

it("stops an AI system in two steps, and another person resumes it", async ({ page, visitor, javaScript, another }) => {
  const why = "It cancels the wrong reservations.";
  const open = await (await another()).page();
  await viewAs(open, "Senior approver");
  await open.goto("/queue");
  await viewAs(page, "Approver");
  await page.goto("/queue");

  // Step one: which system, and what a pause of it does.
  await page.getByRole("link", { name: "Pause an AI system" }).click();
  await heading(page, "Pauses");
  await wellFormed(page);
  await accessible(page);
  const name = (await page.getByRole("main").getByRole("listitem").first().locator("span").first().textContent())?.trim() ?? "";
  await page.getByRole("link", { name: `Pause ${name}` }).click();
  await heading(page, `Pause ${name}`);
  await page.getByText(/^\d+ open decisions? stays? open\./).waitFor();
  await page.getByText("what it proposes is rejected at once", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);

  // Step two: why. Without a reason nothing happens.
  visitor.expect(/status of 422/);
  await page.getByRole("button", { name: "Pause now" }).click();
  await page.getByText("Nothing was changed.").waitFor();
  await page.getByLabel("Reason").fill(why);
  await page.getByRole("button", { name: "Pause now" }).click();
  await heading(page, `Resume ${name}`);
  await page.getByText("Paused by Approver A at", { exact: false }).first().waitFor();
  assert.ok(await page.getByRole("button", { name: "Resume now" }).isDisabled());
  await page.getByText("You paused this AI system, so somebody else has to resume it", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);

  // Everybody who meets the system sees it; an open page hears of it by itself.
  if (!javaScript) await open.goto("/queue");
  await open.getByText(`${name} is paused`).waitFor();
  await open.getByText(why, { exact: false }).first().waitFor();
  const row = open.getByRole("listitem").filter({ has: open.locator('[id^="row-"]') }).first();
  await row.getByText("Paused", { exact: true }).waitFor();
  await accessible(open);

  // Reviewing goes on; the approval stays here.
  const path = await openFirst(open);
  await open.getByText("An approval is recorded, and told to it only when it is resumed.", { exact: false }).waitFor();
  await wellFormed(open);
  await accessible(open);
  await rule(open, "Approve", "The customer confirmed, and the policy allows it.");
  await open.getByText("Your review is recorded.").first().waitFor();
  await open.goto(path);
  await open.getByText("This approval was not told to it, and is not until it is resumed.").waitFor();

  // Whoever may not pause or resume is told why.
  await viewAs(page, "Viewer");
  await page.goto("/pauses");
  await page.getByRole("link", { name: `Resume ${name}` }).click();
  await heading(page, `Resume ${name}`);
  assert.ok(await page.getByRole("button", { name: "Resume now" }).isDisabled());
  await page.getByText("Resuming needs the role senior approver", { exact: false }).waitFor();

  // An admin is told, and resumes it where systems are administered.
  await viewAs(page, "Admin");
  await page.goto("/admin/systems");
  await page.getByText(`${name} was paused, so what it proposes is rejected. By: Approver A`, { exact: false }).first().waitFor();
  await page.getByText(`${name} is paused`).waitFor();
  await wellFormed(page);
  await accessible(page);
  await page.getByRole("link", { name: `Resume ${name}` }).click();
  await heading(page, `Resume ${name}`);
  await page.getByText(/^\d+ approvals? that it was not told (is|are) told as soon as it asks\.$/).waitFor();
  await page.getByLabel("Reason").fill("The prompt was mended and tested.");
  await page.getByRole("button", { name: "Resume now" }).click();
  await heading(page, `Pause ${name}`);
  await page.goto("/admin/systems");
  await page.getByRole("link", { name: `Pause ${name}` }).waitFor();
  assert.equal(await page.getByText(`${name} is paused`).count(), 0);

  // What was kept is told now.
  await told(open, path);
});

it("is reached from a decision of the system", async ({ page }) => {
  await viewAs(page, "Approver");
  await openFirst(page);
  await page.getByRole("link", { name: "Pause this AI system" }).click();
  await page.getByRole("button", { name: "Pause now" }).waitFor();
  assert.ok(await page.getByRole("button", { name: "Pause now" }).isEnabled());
});

it("knows no other system", async ({ page, visitor }) => {
  visitor.expect(/status of 404/);
  await viewAs(page, "Approver");
  for (const wrong of ["nonsense", "01a19b7c-0000-4000-8000-000000000000"]) {
    const answer = await page.goto(`/pauses?system=${wrong}`);
    assert.equal(answer?.status(), 404, wrong);
  }
});

async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

/** Waits until the decision's page says that its agent was told. */
async function told(page: Page, path: string): Promise<void> {
  for (let tries = 0; tries < 30; tries++) {
    await page.goto(path);
    if ((await page.getByText("Released to the AI system").count()) > 0) return;
    await page.waitForTimeout(500);
  }
  assert.fail("the approval that was kept was not told");
}
