// The queue as links and forms: views, order, filters, the selected decision, with JavaScript and without.
import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join as path } from "node:path";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { issueKey, propose } from "../lib/operator.ts";
import { rule, viewAs } from "../lib/people.ts";
import { type Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const SHOTS = process.env.COUNTERSIGN_SHOTS;
const { it } = specs("queue", { demo: true });

let keyOf: Promise<string> | undefined;
let proposed = 0;

/** Proposes something that no other test touches. */
async function fresh(server: Server): Promise<string> {
  keyOf ??= issueKey(server.data, "queue-agent");
  proposed += 1;
  return propose(server.origin, await keyOf, `QUEUE-${proposed}`);
}

const rail = (page: Page) => page.getByRole("navigation", { name: "Views" });
/** The link of a row that this width shows. */
const rows = (page: Page) => page.getByRole("region", { name: "List", exact: true }).locator("ol > li a:visible");

it("counts every view as long as its list is, and leads to it", async ({ page }) => {
  await viewAs(page, "Senior approver");

  for (const view of ["Your turn", "Team", "Waiting for others", "Breaching", "Resolved by you"]) {
    await page.goto("/queue");
    const link = rail(page).getByRole("link", { name: new RegExp(`^${view}`) });
    await link.click();
    await page.getByRole("main").getByText(new RegExp(`^${view} · as of`)).waitFor();

    assert.equal(await link.getAttribute("aria-current"), "page");
    const count = Number(/\d+/.exec((await link.textContent()) ?? "")?.[0]);
    const listed = await rows(page).count();
    // The demo proposes meanwhile.
    assert.ok(listed === Math.min(count, 50) || Math.abs(listed - count) <= 1, `${view}: ${count} counted, ${listed} listed`);
    if (listed === 0) await page.getByRole("link", { name: "Show all open decisions" }).or(page.getByText(/appear|stay|stand here/)).first().waitFor();
  }
});

it("keeps view, order and filters in the address, and clears them", async ({ page, server }) => {
  const id = await fresh(server);
  await viewAs(page, "Senior approver");
  await page.goto("/queue?view=team");

  await page.getByRole("navigation", { name: "Sort by" }).getByRole("link", { name: "Newest" }).click();
  await page.waitForURL(/view=team&sort=newest/);
  await page.locator('a[aria-current="true"]', { hasText: "Newest" }).waitFor();
  await page.getByText("Filter, or find by id").click();
  await page.getByLabel("AI system").fill("queue-agent");
  await page.getByLabel("Decision id").fill(id.slice(-8).toUpperCase());
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/system=queue-agent/);
  assert.match(page.url(), /view=team/);
  assert.match(page.url(), /sort=newest/);
  await rows(page).nth(1).waitFor({ state: "detached" });
  await rows(page).first().waitFor();
  assert.equal(await rows(page).count(), 1);
  assert.match((await rows(page).first().getAttribute("href")) ?? "", new RegExp(`sel=${id}|/decisions/${id}`));

  await page.goto("/queue?view=team&sort=newest&system=nobody&risk=low");
  await page.getByText("Nothing matches").waitFor();
  await page.getByText("Active filters in Team: risk low, AI system “nobody”.").waitFor();
  await page.getByRole("link", { name: "Clear filters" }).first().click();
  await page.waitForURL((url) => url.search === "?view=team&sort=newest");
  await rows(page).nth(1).waitFor();
});

it("says what an id looks like, and lists nothing for what is none", async ({ page }) => {
  await viewAs(page, "Senior approver");

  await page.goto("/queue?view=team&id=refund+12");

  await page.getByText("This is no decision id").waitFor();
  const field = page.getByLabel("Decision id");
  assert.equal(await field.inputValue(), "refund 12");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.equal(await rows(page).count(), 0);
  await wellFormed(page);
  await accessible(page);
});

it("shows the selected decision beside the list, on record, and takes its review", async ({ page, server }) => {
  const id = await fresh(server);
  await viewAs(page, "Senior approver");
  await page.goto(`/queue?view=your_turn&sort=newest&system=queue-agent`);

  await page.locator(`a[href*="sel=${id}"]:visible`).click();
  const pane = page.getByRole("region", { name: "Selected decision" });
  await pane.getByRole("heading", { level: 2 }).first().waitFor();
  await pane.getByText("This view was recorded").waitFor();
  assert.match(page.url(), new RegExp(`sel=${id}`));
  assert.equal(await page.locator(`a[href*="sel=${id}"]:visible`).getAttribute("aria-current"), "true");

  await rule(page, "Approve", "The customer asked for it, and the fare allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  assert.equal(await pane.count(), 0);
  await page.goto("/queue?view=resolved&system=queue-agent");
  const row = page.getByRole("listitem").filter({ has: page.locator(`a[href="/decisions/${id}"]`) });
  assert.match((await row.textContent()) ?? "", /Approved/);
});

it("shows one thing at a time on a phone", async ({ page, server }) => {
  const id = await fresh(server);
  await viewAs(page, "Senior approver");
  await page.goto("/queue?view=team&system=queue-agent&sort=newest");
  assert.equal(await page.locator('a[href*="sel="]:visible').count(), 0);

  await page.locator(`a[href="/decisions/${id}"]:visible`).click();
  await page.waitForURL((url) => url.pathname === `/decisions/${id}`);

  // A link that somebody sent from a wide screen.
  await page.goto(`/queue?view=team&sel=${id}`);
  await page.getByRole("region", { name: "Selected decision" }).waitFor();
  assert.equal(await rows(page).count(), 0);
  await wellFormed(page);
  await page.getByRole("main").getByRole("link", { name: "Queue" }).click();
  await page.waitForURL((url) => url.search === "?view=team");
  assert.ok((await rows(page).count()) > 0);
}, { width: 390, height: 844 });

it("gives every row the same height", async ({ page }) => {
  await viewAs(page, "Senior approver");
  await page.goto("/queue?view=team");

  const heights = await page.getByRole("region", { name: "List", exact: true }).locator("ol > li").evaluateAll((all) =>
    [...new Set(all.map((row) => Math.round(row.getBoundingClientRect().height)))]
  );

  // The first has no line above it.
  assert.ok(heights.every((height) => height === 44 || height === 45), heights.join(" "));
});

it("tells a viewer what they may do with a list of turns", async ({ page }) => {
  await viewAs(page, "Viewer");

  await page.goto("/queue");
  await page.getByRole("main").getByText(/^Team · as of/).waitFor();
  await page.goto("/queue?view=your_turn");

  await page.getByText("Nothing here for you").waitFor();
  await page.getByText("Reviewing needs the role approver; an admin can give it.").waitFor();
});

for (const [theme, width] of [["light", 1440], ["dark", 1440], ["light", 1000], ["light", 390], ["dark", 390]] as const) {
  it(`is accessible and well formed in ${theme} at ${width} px`, async ({ page, server, javaScript }) => {
    const id = await fresh(server);
    await viewAs(page, "Senior approver");
    for (const [name, address] of Object.entries({
      turn: "/queue",
      team: "/queue?view=team&sort=sameness",
      selected: `/queue?view=team&sort=newest&sel=${id}`,
      breaching: "/queue?view=breaching",
      resolved: "/queue?view=resolved",
      nothing: "/queue?view=team&system=nobody",
    })) {
      await page.goto(address);
      await wellFormed(page);
      await accessible(page);
      if (SHOTS && javaScript) {
        mkdirSync(SHOTS, { recursive: true });
        await page.getByText("Live", { exact: true }).waitFor({ state: "attached" });
        await page.screenshot({ path: path(SHOTS, `queue-${theme}-${width}-${name}.png`), fullPage: width === 390 });
      }
    }
  }, { theme, width, height: width === 390 ? 844 : 900 });
}
