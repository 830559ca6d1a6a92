// What a reviewer may do beside approving and rejecting: take a review back, hand it up, put it off, leave it to others.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, rule, startReview, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

// Long enough that nothing becomes final while a spec looks at it.
const { it } = specs("acts", { demo: true, env: { COUNTERSIGN_RETRACT_SECONDS: "600,600,600" } });

it("takes an approval back before it is final, and gives it anew", async ({ page }) => {
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await rule(page, "Approve", "The policy allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.getByText("Final at", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);

  // It stays at hand in every list, on a phone too.
  await page.goto("/queue?view=team");
  const foot = page.getByRole("complementary", { name: "Reviews that you can still take back" });
  await foot.locator(`a[href="${path}"]`).first().waitFor();
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await wellFormed(page);
    await accessible(page);
  }

  await page.goto(path);
  await page.getByText(", and not final: it is resolved at", { exact: false }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("Taken back", { exact: true }).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Take it back" }).count(), 0);
  assert.equal(await page.getByText(", and not final", { exact: false }).count(), 0);

  await rule(page, "Reject", "On second thought the policy does not allow it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.goto("/queue?view=settling");
  assert.ok((await page.getByRole("main").locator(`a[href="${path}"]`).count()) > 0, "it settles again");
});

it("hands a decision to the senior approvers, once", async ({ page, another }) => {
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await give(page, "Escalate", "I cannot tell whether the fare allows it.");
  await page.getByRole("main").getByText("Escalated", { exact: true }).first().waitFor();
  // At the foot stand earlier reviews of theirs, which are not final; this one has had its effect.
  const said = page.getByRole("main").getByText("Your review is recorded.").locator("..");
  assert.equal(await said.getByRole("button", { name: "Take it back" }).count(), 0, await page.getByRole("main").innerText());
  const foot = page.getByRole("complementary", { name: "Reviews that you can still take back" });
  assert.equal(await foot.locator(`a[href="${path}"]`).count(), 0);

  const senior = await (await another()).page();
  await viewAs(senior, "Senior approver");
  await senior.goto(path);
  await startReview(senior);
  await senior.getByText("The senior approvers have it already", { exact: false }).waitFor();
  assert.equal(await senior.getByRole("button", { name: "Escalate", exact: true }).getAttribute("aria-disabled"), "true");
  await accessible(senior);
  await rule(senior, "Approve", "The fare allows it.");
  await senior.getByText("Your review is recorded.").first().waitFor();
});

it("puts a decision off to a time, which has to be said, and finds it in a view of its own", async ({ page, visitor }) => {
  visitor.expect(/status of 422/);
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await startReview(page);
  await page.locator("summary", { hasText: "More: come back later" }).click();
  await accessible(page);
  await give(page, "Defer", "I wait for the customer's call.");
  await page.getByText("Say when you come back to it.").first().waitFor();
  await page.getByLabel("Come back to it").selectOption("60");
  await give(page, "Defer", "I wait for the customer's call.");
  await page.getByText("Your review is recorded.").first().waitFor();

  await page.goto("/queue?view=deferred");
  assert.ok((await page.getByRole("main").locator(`a[href="${path}"]`).count()) > 0);
  await wellFormed(page);
  await accessible(page);
});

it("leaves a decision to others, and may come back while it is open", async ({ page }) => {
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await startReview(page);
  await page.locator("summary", { hasText: "More: come back later" }).click();
  await give(page, "Abstain", "The customer is a friend.");
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.goto(path);
  await page.getByText("one person counts once", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("Taken back", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Start review" }).first().waitFor();
});

/** Fills the review and presses one of the buttons that decide nothing by themselves. */
async function give(page: Page, verdict: "Escalate" | "Defer" | "Abstain", reason: string): Promise<void> {
  await startReview(page);
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill(reason);
  await page.getByRole("main").getByRole("button", { name: verdict, exact: true }).click();
}
