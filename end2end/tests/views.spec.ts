// Views of the queue that people keep for themselves: named, counted, renamed, ordered, removed.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { issueKey, propose } from "../lib/operator.ts";
import { viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("views", { demo: true });

let keyOf: Promise<string> | undefined;
let proposed = 0;

/** Proposes something that no other test touches. */
async function fresh(server: Server): Promise<string> {
  keyOf ??= issueKey(server.data, "views-agent");
  proposed += 1;
  return propose(server.origin, await keyOf, `VIEWS-${proposed}`);
}

const rail = (page: Page) => page.getByRole("navigation", { name: "Views" });
const own = (page: Page, name: string) => rail(page).getByRole("link", { name: new RegExp(`^${name}`) });
const rows = (page: Page) => page.getByRole("region", { name: "List", exact: true }).locator("ol > li a:visible");
const card = (page: Page, name: string) => page.getByRole("main").getByRole("listitem").filter({ has: page.getByRole("heading", { name, exact: true }) });
const names = (page: Page) => page.getByRole("main").locator("ol > li h2").allTextContents();

async function save(page: Page, address: string, name: string): Promise<void> {
  await page.goto(address);
  await page.getByLabel("Name these filters and this order").fill(name);
  await page.getByRole("button", { name: "Save as a view" }).click();
}

/** Nothing that another run of this file left. */
async function none(page: Page): Promise<void> {
  await page.goto("/me/views");
  while (await page.getByRole("button", { name: /^Remove/ }).count() > 0) {
    const last = page.locator("main ol > li h2").nth((await names(page)).length - 1);
    await page.getByRole("button", { name: /^Remove/ }).first().click();
    await last.waitFor({ state: "detached" });
  }
  await page.getByText("You keep no view").waitFor();
}

it("stands beside the built-in views, as long as it says, for its owner alone", async ({ page, server, another }) => {
  await fresh(server);
  await viewAs(page, "Senior approver");
  await none(page);

  await save(page, "/queue?view=team&sort=newest&system=views-agent", "The views agent");
  await page.waitForURL((url) => url.pathname === "/queue" && url.searchParams.get("system") === "views-agent");

  const link = own(page, "The views agent");
  assert.equal(await link.getAttribute("aria-current"), "page");
  assert.equal(await rail(page).locator('[aria-current="page"]').count(), 1, "the built-in view that it narrows is not the current one");
  const count = Number(/(\d+)\s*decisions/.exec((await link.textContent()) ?? "")?.[1]);
  assert.equal(await rows(page).count(), count);
  assert.ok(count > 0);
  assert.equal(await page.getByLabel("Name these filters and this order").count(), 0, "what is saved is not saved again");
  await wellFormed(page);
  await accessible(page);

  await page.goto("/queue");
  await own(page, "The views agent").click();
  await page.waitForURL((url) => url.search === "?view=team&sort=newest&system=views-agent");

  const other = await (await another()).page();
  await viewAs(other, "Approver");
  await other.goto(page.url());
  await rows(other).first().waitFor();
  assert.equal(await own(other, "The views agent").count(), 0, "a shared link is a link");
});

it("is renamed, moved and removed", async ({ page }) => {
  await viewAs(page, "Senior approver");
  await none(page);
  for (const [place, name] of ["One", "Two", "Three"].entries()) {
    await save(page, `/queue?view=team&risk=${["low", "medium", "high"][place]}`, name);
    await own(page, name).waitFor();
  }

  await page.goto("/me/views");
  assert.deepEqual(await names(page), ["One", "Two", "Three"]);
  await accessible(page);
  await card(page, "Three").getByRole("button", { name: "Up: Three" }).click();
  await page.locator("main ol > li:nth-child(2) h2", { hasText: "Three" }).waitFor();
  await card(page, "One").getByLabel("Name of the view One").fill("First");
  await card(page, "One").getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { name: "First", exact: true }).waitFor();
  await card(page, "Two").getByRole("button", { name: "Remove: Two" }).click();
  await page.getByRole("heading", { name: "Two", exact: true }).waitFor({ state: "detached" });

  assert.deepEqual(await names(page), ["First", "Three"]);
  await page.goto("/queue");
  const order = await rail(page).getByRole("link").allTextContents();
  assert.match(order.join("|"), /First.*\|Three/);
  await wellFormed(page);
});

it("keeps what was typed when a name is taken, says so, and takes another", async ({ page, visitor }) => {
  visitor.expect(/status of 4(09|22)/);
  await viewAs(page, "Senior approver");
  await none(page);
  await save(page, "/queue?view=team&risk=high", "Mine");
  await own(page, "Mine").waitFor();

  await save(page, "/queue?view=team&risk=low&sort=risk", "Mine");
  await page.getByText("Name: another of your views has it. Choose another.").first().waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Mine");
  await page.getByText("Team, risk low; sorted by risk").waitFor();
  await accessible(page);
  await page.getByLabel("Name", { exact: true }).fill("Mine too");
  await page.getByRole("button", { name: "Save as a view" }).click();

  await page.waitForURL((url) => url.search === "?view=team&sort=risk&risk=low");
  await own(page, "Mine too").waitFor();
});

for (const [theme, width] of [["light", 1440], ["dark", 390]] as const) {
  it(`is accessible and well formed in ${theme} at ${width} px`, async ({ page }) => {
    await viewAs(page, "Approver");
    await none(page);
    await accessible(page);
    await save(page, "/queue?view=team&risk=medium", "A name that is as long as a name of a view may well become");
    await rail(page).locator('[aria-current="page"]').waitFor();
    for (const address of ["/queue?view=team&risk=medium", "/queue?view=team&risk=high&sort=newest", "/me/views"]) {
      await page.goto(address);
      await wellFormed(page);
      await accessible(page);
    }
  }, { theme, width, height: width === 390 ? 844 : 900 });
}
