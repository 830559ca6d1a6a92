// Who reviews a decision at this moment: started by a post, seen by others, taken over with a reason, lost with its time.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { command } from "../lib/operator.ts";
import { rule, startReview, viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("lease", { demo: true });

let issued: Promise<string> | undefined;
let proposals = 0;

it("shows others who reviews it, and lets them take it over with a reason", async ({ page, visitor, server, javaScript, another }) => {
  visitor.expect(/status of 409/);
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  assert.equal(await page.getByLabel("Reason code").count(), 0, "reading is free, ruling is started first");
  await startReview(page);
  await fill(page, "My careful reasoning.");
  await wellFormed(page);
  await accessible(page);

  const other = await another();
  other.expect(/status of 422/);
  const second = await other.page();
  await viewAs(second, "Approver");
  await second.goto("/queue?view=team&system=lease-agent");
  const row = second.getByRole("listitem").filter({ has: second.locator(`a[href="${path}"]`) });
  await row.getByText("Senior approver A reviews this now").waitFor({ state: "attached" });
  await second.goto(path);
  await review(second).getByText(/Senior approver A has this, \d+:\d\d left/).waitFor();
  assert.equal(await review(second).getByRole("button", { name: "Start review" }).count(), 0);
  await second.locator("summary", { hasText: "Take over" }).click();
  await accessible(second);
  await second.getByRole("button", { name: "Take this review over" }).click();
  await second.getByText("Reason: write something here.", { exact: false }).first().waitFor();
  await second.getByLabel("Why you take it over").fill("She went home.");
  await second.getByRole("button", { name: "Take this review over" }).click();
  await second.getByText("You have this until").waitFor();

  if (javaScript) {
    // The page hears of it by itself, says by whom, and keeps what was typed.
    await review(page).getByText("Approver A took this review over.", { exact: false }).waitFor();
    assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "My careful reasoning.");
    assert.equal(await verdict(page, "Approve").getAttribute("aria-disabled"), "true");
    await review(page).getByRole("button", { name: "Start review" }).click();
    await review(page).getByText("Others review this now", { exact: false }).waitFor();
    await accessible(page);
  } else {
    await verdict(page, "Approve").click();
    await page.getByText("Approver A took this review over.", { exact: false }).first().waitFor();
    assert.match(await page.content(), /My careful reasoning\./);
    await accessible(page);
  }
  await rule(second, "Reject", "The fare does not allow it.");
  await second.getByText("Your review is recorded.").first().waitFor();
  await second.goto(path);
  assert.match((await second.locator("#history").textContent()) ?? "", /Review started.*Review given up or taken over.*Review started/s);
});

it("keeps what was typed when the time runs out, and goes on with it", async ({ page, visitor, server, javaScript }) => {
  visitor.expect(/status of 409/);
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);
  await fill(page, "Typed before the time ran out.");

  await server.later(16);
  // A script that hears of the end before the press lets nothing be pressed, and says the same.
  await verdict(page, "Approve").click({ force: javaScript });
  await page.getByText("Your time for this review ran out.", { exact: false }).first().waitFor();
  if (javaScript) {
    assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Typed before the time ran out.");
  } else {
    assert.match(await page.content(), /Typed before the time ran out\./);
  }
  await review(page).getByRole("button", { name: "Start review" }).click();
  await page.getByText("You have this until").waitFor();
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Typed before the time ran out.");
  await page.getByLabel("Reason code").selectOption("other");
  await verdict(page, "Approve").click();
  await page.getByText("Your review is recorded.").first().waitFor();
});

it("keeps the edits of a parameter when the time runs out", async ({ page, visitor, server, javaScript }) => {
  visitor.expect(/status of 409/);
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(`${path}/edit`);
  await startReview(page);
  const field = page.locator('[name="fields[user_id]"]');
  if (javaScript) await page.getByRole("button", { name: "Show what changes" }).waitFor({ state: "hidden" });
  await field.fill("another user");
  await fill(page, "The other user was meant.");

  await server.later(16);
  await page.getByRole("main").getByRole("button", { name: "Approve with edits" }).click({ force: javaScript });
  await page.getByText("Your time for this review ran out.", { exact: false }).first().waitFor();
  await page.getByRole("main").getByRole("button", { name: "Start review" }).first().click();
  await page.getByText("You have this until").waitFor();

  assert.equal(await field.inputValue(), "another user");
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "The other user was meant.");
});

it("lasts fifteen minutes as a plain form and five from each sign of life, and is given up", async ({ page, server, javaScript, another }) => {
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await startReview(page);

  await page.getByText(javaScript ? /· [45]:\d\d left/ : /· 1[45]:\d\d left/).waitFor();
  await page.getByRole("button", { name: "Release" }).click();
  await review(page).getByRole("button", { name: "Start review" }).waitFor();
  const second = await (await another()).page();
  await viewAs(second, "Approver");
  await second.goto(path);
  await review(second).getByRole("button", { name: "Start review" }).waitFor();
});

it("starts and gives up by its key, and says that a verdict waits for it", async ({ page, server, javaScript }) => {
  if (!javaScript) return;
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);
  await page.getByText("Live", { exact: true }).waitFor();
  await page.waitForTimeout(350);

  await page.keyboard.press("r");
  await page.getByText("Start the review first (l).").first().waitFor({ state: "attached" });
  assert.equal(await page.locator("[data-armed]").count(), 0);
  await page.keyboard.press("l");
  await page.getByText("You have this until").waitFor();
  await page.waitForTimeout(350);
  await page.keyboard.press("r");
  await page.getByText("Reject is armed.", { exact: false }).first().waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.goto(path);
  await page.getByText("You have this until").waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.waitForTimeout(350);
  await page.keyboard.press("l");
  await review(page).getByRole("button", { name: "Start review" }).waitFor();
});

it("keeps the start of the review at hand on a phone", async ({ page, server }) => {
  const path = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(path);

  const bar = page.getByRole("button", { name: "Start review" }).last();
  const box = await bar.boundingBox();
  assert.ok(box && box.y + box.height <= 844 && box.height >= 44, "it stands on the screen before anything is scrolled");
  await wellFormed(page);
  await accessible(page);
  await bar.click();
  await page.getByText("You have this until").waitFor();
  await wellFormed(page);
  await accessible(page);
}, { width: 390, height: 844 });

/** Has an agent propose something that any approver may rule on, and that nothing else is equal to; returns its path. */
async function proposed(server: Server): Promise<string> {
  issued ??= (async () => {
    await command("system", "register", "lease-agent", "--data", server.data);
    const made = await command("key", "create", "--system", "lease-agent", "--data", server.data);
    return made.output.trim().split("\n").at(-1) ?? "";
  })();
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await issued}`,
      "content-type": "application/json",
      "idempotency-key": `lease-${++proposals}`,
    },
    body: JSON.stringify({
      mode: "propose",
      action: { type: "certificate.send", parameters: { user_id: `user ${proposals}`, amount: 100 } },
      rationale: "The flight was late.",
    }),
  });
  assert.equal(answer.status, 202);
  return `/decisions/${((await answer.json()) as { id: string }).id}`;
}

async function fill(page: Page, reason: string): Promise<void> {
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill(reason);
}

function review(page: Page) {
  return page.locator("#review");
}

function verdict(page: Page, name: string) {
  return page.getByRole("main").getByRole("button", { name, exact: true });
}
