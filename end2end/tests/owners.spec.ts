// Owners: an admin names who answers for an AI system; the owner reviews nothing of it and gets what it is to change.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, rule, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("owners", { demo: true });
const WHY = "She runs the agent and answers for what it proposes.";

it("names an owner, who reviews nothing of it any more", async ({ page, visitor }) => {
  await viewAs(page, "Admin");
  await openForm(page);
  await page.getByText("They review none of it", { exact: false }).waitFor();
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await wellFormed(page);
    await accessible(page);
  }

  // Nobody has this name: what was typed is kept, and nothing is changed.
  visitor.expect(/status of 4\d\d/);
  await page.getByLabel("Sign-in name of the owner").fill("nobody-here");
  await page.getByLabel("Reason").fill(WHY);
  await page.getByRole("button", { name: "Name the owner" }).click();
  await page.getByText("Nobody has this sign-in name.", { exact: false }).first().waitFor();
  assert.equal(await page.getByLabel("Reason").inputValue(), WHY);
  await accessible(page);

  // An admin reads no decisions, so an admin cannot answer for one.
  await page.getByLabel("Sign-in name of the owner").fill("admin-b");
  await page.getByRole("button", { name: "Name the owner" }).click();
  await page.getByText("cannot read what airline-agent proposes", { exact: false }).first().waitFor();

  await page.getByLabel("Sign-in name of the owner").fill("senior-approver-a");
  await page.getByRole("button", { name: "Name the owner" }).click();
  await system(page).getByText("Senior approver A").waitFor();
  await page.getByLabel("Sign-in name of the owner").waitFor({ state: "detached" });

  // The owner is told, and what they open has no form but the reason why.
  await viewAs(page, "Senior approver");
  await page.goto("/queue?view=team");
  const path = await page.getByRole("main").locator('a[href^="/decisions/"]').first().getAttribute("href");
  assert.ok(path, "they still read it");
  await page.goto(path);
  await page.getByText("airline-agent is yours to answer for as its owner.", { exact: false }).first().waitFor();
  await page.getByText("You own this AI system, so somebody else has to review what it proposes.", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Start review" }).count(), 0);
  await page.goto("/queue?view=your_turn");
  assert.equal(await page.locator('[id^="row-"]').count(), 0);

  // Somebody else reads whose it is.
  await viewAs(page, "Approver");
  await page.goto(path);
  await page.getByRole("main").getByText("Senior approver A").first().waitFor();

  // Nobody owns it from now on, and the senior approver reviews again.
  await viewAs(page, "Admin");
  await openForm(page);
  await page.getByLabel("Reason").fill("She has another task.");
  await page.getByRole("button", { name: "Name the owner" }).click();
  await system(page).getByText("Nobody owns it").waitFor();
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await page.getByRole("button", { name: "Start review" }).first().waitFor();
});

it("gives the owner what their AI system was asked to change", async ({ page }) => {
  await viewAs(page, "Admin");
  await openForm(page);
  // The other mode may have left them there.
  if ((await system(page).getByText("Viewer A").count()) === 0) {
    await page.getByLabel("Sign-in name of the owner").fill("viewer-a");
    await page.getByLabel("Reason").fill(WHY);
    await page.getByRole("button", { name: "Name the owner" }).click();
    await system(page).getByText("Viewer A").waitFor();
  }

  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await rule(page, "Request changes", "The reservation number is missing a digit.");
  await page.getByText("Your review is recorded.").first().waitFor();

  await viewAs(page, "Viewer");
  await page.goto("/queue?view=team");
  await page.getByText("An AI system that you own was asked for a change.", { exact: false }).first().waitFor();
  await page.getByRole("link", { name: /^Yours as owner/ }).click();
  await page.getByRole("main").locator('a[href^="/decisions/"]:visible').first().waitFor();
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await accessible(page);
  }
  await page.goto(path);
  await page.getByText("You own it, so seeing to its answer is yours.", { exact: false }).waitFor();

  // The owner stops it, whatever their role.
  await page.getByRole("link", { name: "Pause this AI system" }).click();
  assert.ok(await page.getByRole("button", { name: "Pause now" }).isEnabled());

  // Who answers for the decision: the chain names the owner of when it was proposed.
  await page.goto(`${path}/chain`);
  await page.getByRole("heading", { name: "Owner of the AI system" }).waitFor();
});

it("shows owners to auditors without a form", async ({ page }) => {
  await viewAs(page, "Auditor");
  await page.goto("/admin/systems");
  await system(page).getByText("Owner", { exact: true }).waitFor();
  assert.equal(await page.getByRole("link", { name: /^Change the owner of/ }).count(), 0);
});

function system(page: Page) {
  return page.getByRole("main").getByRole("region", { name: "airline-agent" });
}

async function openForm(page: Page): Promise<void> {
  await page.goto("/admin/systems");
  await page.getByRole("link", { name: "Change the owner of airline-agent" }).click();
  await page.getByRole("heading", { level: 3, name: "Name the owner of airline-agent" }).waitFor();
}
