// The queue by keyboard, and live: nothing moves under the reader.
import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join as path } from "node:path";
import type { Page } from "playwright-core";
import { accessible } from "../lib/checks.ts";
import { issueKey, propose } from "../lib/operator.ts";
import { rule, viewAs } from "../lib/people.ts";
import { type Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const SHOTS = process.env.COUNTERSIGN_SHOTS;
const { it } = specs("queue live", { demo: true });

let keyOf: Promise<string> | undefined;
let proposed = 0;

async function fresh(server: Server): Promise<string> {
  keyOf ??= issueKey(server.data, "live-agent");
  proposed += 1;
  return propose(server.origin, await keyOf, `LIVE-${proposed}`);
}

async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.getByText("Live", { exact: true }).waitFor();
  await settled(page);
}

/** Keys wait until what is shown has stood for a moment. */
const settled = (page: Page) => page.waitForTimeout(350);
const focused = (page: Page) => page.evaluate(() => document.activeElement?.id ?? "");
const order = (page: Page) =>
  page.getByRole("region", { name: "List", exact: true }).locator("ol > li a:visible").evaluateAll((links) => links.map((link) => link.id));
const pane = (page: Page) => page.getByRole("region", { name: "Selected decision" });

it("is worked by keyboard alone, from the list to the recorded review", async ({ page, server }) => {
  const ids = [await fresh(server), await fresh(server), await fresh(server)];
  await viewAs(page, "Senior approver");
  await open(page, "/queue?view=your_turn&system=live-agent");

  await page.keyboard.press("j");
  await pane(page).getByText("This view was recorded").waitFor();
  const first = /sel=([0-9a-f-]+)/.exec(page.url())?.[1] ?? "";
  assert.ok(ids.includes(first));
  assert.equal(await focused(page), `beside-${first}`);
  await settled(page);
  await page.keyboard.press("ArrowDown");
  await page.waitForURL((url) => url.searchParams.has("sel") && url.searchParams.get("sel") !== first);
  await pane(page).getByText("This view was recorded").waitFor();
  await settled(page);
  await page.keyboard.press("k");
  await page.waitForURL((url) => url.searchParams.get("sel") === first);
  await pane(page).getByText("This view was recorded").waitFor();
  await settled(page);

  // Without a review that is started, a verdict key says so and arms nothing.
  await page.keyboard.press("a");
  await page.getByText("Start the review first (l).").first().waitFor({ state: "attached" });
  assert.equal(await page.locator("[data-armed]").count(), 0);
  await page.keyboard.press("l");
  await pane(page).getByText("You have this until").waitFor();
  await settled(page);

  // A verdict key arms and sends nothing; Escape disarms and leaves the selection.
  await page.keyboard.press("a");
  await page.getByText("Approve is armed.", { exact: false }).first().waitFor({ state: "attached" });
  // To the first field that is empty: the code, and the reason once there is one.
  assert.equal(await page.evaluate(() => document.activeElement?.id), "code");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.type("asked and allowed, a r j");
  await page.keyboard.press("Escape");
  assert.match(page.url(), new RegExp(`sel=${first}`));
  await page.keyboard.press("a");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "reason");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Your review is recorded.").first().waitFor();

  await page.waitForURL((url) => !url.searchParams.has("sel") && url.searchParams.get("done") === first);
  assert.equal(await focused(page), `beside-${first}`, "focus stays where the row stands");
});

it("goes on to the next decision where its person chose so", async ({ page, server }) => {
  for (let count = 0; count < 2; count++) await fresh(server);
  await viewAs(page, "Senior approver");
  await page.goto("/me");
  await page.getByRole("radio", { name: "On to the next decision" }).check();
  await page.locator('form[action="/act/prefer"]').getByRole("button", { name: "Save", exact: true }).click();
  await page.locator('html[data-advance="next"]').waitFor({ state: "attached" });
  await open(page, "/queue?view=your_turn&system=live-agent");
  const [first, second] = await order(page);
  await page.locator(`#${first}`).click();
  await pane(page).getByText("This view was recorded").waitFor();

  await rule(page, "Reject", "The fare does not allow it.");

  await page.waitForURL((url) => url.searchParams.get("done") === first?.replace("beside-", ""));
  assert.equal(new URL(page.url()).searchParams.get("sel"), second?.replace("beside-", ""));
  await pane(page).getByText("This view was recorded").waitFor();
  assert.equal(await focused(page), second);
  await accessible(page);
});

it("greys what somebody else resolves where it stands, and keeps the new behind a pill", async ({ page, server, another }) => {
  const ids = [await fresh(server), await fresh(server)];
  await viewAs(page, "Senior approver");
  await open(page, "/queue?view=team&system=live-agent");
  const before = await order(page);
  const target = before.find((row) => row === `beside-${ids[0]}`) ?? "";
  await page.locator(`#${target}`).focus();
  const second = await (await another()).page();
  await viewAs(second, "Senior approver");
  await second.goto(`/decisions/${ids[0]}`);

  await rule(second, "Reject", "The fare does not allow it.");
  await second.getByText("Your review is recorded.").first().waitFor();

  const row = page.getByRole("listitem").filter({ has: page.locator(`#${target}`) });
  await row.getByText("Rejected").waitFor();
  assert.deepEqual(await order(page), before, "no row moved");
  assert.equal(await focused(page), target);

  await fresh(server);
  const pill = page.getByRole("button", { name: /^1 new/ });
  await pill.waitFor();
  assert.deepEqual(await order(page), before, "the new one waits");
  // Longer than greyed rows stand: focus is in the list.
  await page.waitForTimeout(11_000);
  assert.deepEqual(await order(page), before, "nothing goes while focus is in the list");

  await pill.click();
  await pill.waitFor({ state: "detached" });
  const after = await order(page);
  assert.ok(!after.includes(target) && after.length === before.length, after.join(" "));
});

it("shows the news that were asked for even while more arrives", async ({ page, server }) => {
  const shown = await fresh(server);
  await viewAs(page, "Senior approver");
  await open(page, "/queue?view=team&system=live-agent");
  const waiting = await fresh(server);
  const pill = page.getByRole("button", { name: /new/ });
  await pill.waitFor();
  // The answer to the press is held back until the question that later news ask is answered.
  let later: () => void = () => {};
  const answered = new Promise<void>((resolve) => (later = resolve));
  let questions = 0;
  await page.route("**/act/queue", async (route) => {
    questions += 1;
    if (questions === 1) await answered;
    await route.continue().catch(() => {});
    if (questions > 1) later();
  });

  await pill.click();
  const meanwhile = await fresh(server);

  await pill.waitFor({ state: "detached" });
  const rows = await order(page);
  for (const id of [shown, waiting, meanwhile]) assert.ok(rows.includes(`beside-${id}`), rows.join(" "));
});

it("counts at once, and says on the selected decision that it changed", async ({ page, server, another }) => {
  const id = await fresh(server);
  await viewAs(page, "Senior approver");
  await open(page, `/queue?view=team&system=live-agent&sel=${id}`);
  await pane(page).getByText("This view was recorded").waitFor();
  const resolved = page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: /^Resolved by you/ });
  const count = async () => Number(/\d+/.exec((await resolved.textContent()) ?? "")?.[0]);
  const before = await count();
  const second = await (await another()).page();
  await viewAs(second, "Senior approver");
  await second.goto(`/decisions/${id}`);

  await rule(second, "Approve", "The policy allows it.");
  await second.getByText("Your review is recorded.").first().waitFor();

  await pane(page).getByText("This decision changed after you opened it.").waitFor();
  await page.waitForFunction((wanted) => {
    const links = [...document.querySelectorAll('nav[aria-label="Views"] a')];
    const text = links.find((link) => link.textContent?.startsWith("Resolved by you"))?.textContent ?? "";
    return Number(/\d+/.exec(text)?.[0]) >= wanted || text.includes("+");
  }, before + 1);
});

it("finds commands and pages by typing, and shows each key", async ({ page, server }) => {
  await fresh(server);
  await viewAs(page, "Senior approver");
  await open(page, "/queue?view=team&system=live-agent");

  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Commands and pages" });
  await palette.waitFor();
  await accessible(page);
  if (SHOTS) {
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: path(SHOTS, "palette.png") });
  }
  await palette.getByRole("option", { name: /^Next row/ }).getByText("j").waitFor();
  await page.keyboard.type("ledg");
  assert.equal(await palette.getByRole("option").count(), 1);
  await palette.getByRole("option", { name: /Go to Ledger/ }).getByText("g l").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Ledger" }).waitFor();
  await settled(page);

  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.getByRole("heading", { level: 1, name: "Queue" }).waitFor();
  await page.getByText("as of", { exact: false }).first().waitFor();
  await settled(page);
  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Keys" });
  await sheet.getByText("Find a command or a page").waitFor();
  await sheet.getByText("Go to Ledger", { exact: false }).waitFor();
  await accessible(page);
  await page.keyboard.press("Escape");
  assert.equal(await sheet.count(), 0);

  // Letters belong to fields.
  await page.getByText("Filter, or find by id").click();
  await page.getByLabel("AI system").fill("");
  await page.getByLabel("AI system").pressSequentially("gj?");
  assert.equal(await page.getByLabel("AI system").inputValue(), "gj?");
  assert.equal(await page.getByRole("dialog").count(), 0);
});
