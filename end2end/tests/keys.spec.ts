// Keys of one's own: changed, refused with who has them, put back, switched off; and what the page does with them.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { issueKey, propose } from "../lib/operator.ts";
import { viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("keys", { demo: true });

let keyOf: Promise<string> | undefined;
let proposed = 0;

async function fresh(server: Server): Promise<string> {
  keyOf ??= issueKey(server.data, "keys-agent");
  proposed += 1;
  return `/decisions/${await propose(server.origin, await keyOf, `KEYS-${proposed}`)}`;
}

const settled = (page: Page) => page.waitForTimeout(350);
const field = (page: Page, name: string) => page.getByLabel(`Key of: ${name}`, { exact: true });

async function change(page: Page, name: string, key: string): Promise<void> {
  await field(page, name).fill(key);
  await page.getByRole("button", { name: `Change: ${name}`, exact: true }).click();
}

/** Everybody's keys, switched on. */
async function reset(page: Page): Promise<void> {
  await page.goto("/me/keys");
  const all = page.getByRole("button", { name: "Reset all keys" });
  if (await all.count() > 0) {
    await all.click();
    await all.waitFor({ state: "detached" });
  }
  const on = page.getByRole("button", { name: "Switch them on" });
  if (await on.count() > 0) {
    await on.click();
    await page.getByRole("button", { name: "Switch them off" }).waitFor();
  }
}

it("shows every key, and changes one", async ({ page, server, javaScript }) => {
  const path = await fresh(server);
  await viewAs(page, "Senior approver");
  await reset(page);
  for (const text of ["Next row", "Go to the review and arm Approve", "Find a command or a page", "Go to Queue, where you have it"]) {
    await page.getByRole("main").getByText(text, { exact: true }).first().waitFor();
  }
  await wellFormed(page);
  await accessible(page);

  await change(page, "Approve", "z");
  await page.getByText("by default").waitFor();
  assert.equal(await field(page, "Approve").inputValue(), "z");
  await page.goto("/me");
  await page.getByText("Keys of one character are on; you changed one of them.").waitFor();

  if (javaScript) {
    await page.goto(path);
    await page.getByText("Live", { exact: true }).waitFor();
    await page.getByRole("main").getByRole("button", { name: "Start review" }).first().click();
    await page.getByText("You have this until").waitFor();
    await settled(page);
    await page.keyboard.press("a");
    await settled(page);
    assert.equal(await page.locator("[data-armed]").count(), 0, "where it was, it does nothing");
    await page.keyboard.press("z");
    // The armed button shows that a key did it.
    await page.locator('button[value="approve"][data-flash]').waitFor();
    await page.getByText("Approve is armed.", { exact: false }).first().waitFor({ state: "attached" });
    await page.locator("[data-flash]").waitFor({ state: "detached" });
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: /Keys$/ }).click();
    const line = page.locator("dialog[open] dl > div").filter({ hasText: "Go to the review and arm Approve" }).first();
    assert.match((await line.textContent()) ?? "", /^z/);
    await page.getByRole("button", { name: "Close" }).click();
    await page.keyboard.press("Control+k");
    await page.locator("#palette").fill("arm approve");
    const option = page.getByRole("option").filter({ hasText: "Go to the review and arm Approve" }).first();
    assert.match((await option.textContent()) ?? "", /z$/);
  }
});

it("refuses a key that something else has, and keys that nobody may take", async ({ page, visitor }) => {
  visitor.expect(/status of 422/);
  await viewAs(page, "Senior approver");
  await reset(page);

  for (
    const [key, says] of [
      ["r", "“Reject” has this key."],
      ["Enter", "Enter, the space bar, Tab and Escape"],
      ["Escape", "Enter, the space bar, Tab and Escape"],
      ["Ctrl+W", "belong to the browser"],
      ["/", "Browsers open their own search"],
      ["3", "1 to 8 go to the sections"],
    ] as const
  ) {
    await change(page, "Approve", key);
    await page.getByText(says, { exact: false }).first().waitFor();
    assert.equal(await field(page, "Approve").inputValue(), key, "what was typed stays");
    assert.equal(await field(page, "Approve").getAttribute("aria-invalid"), "true");
    await accessible(page);
    await page.goto("/me/keys");
    assert.equal(await field(page, "Approve").inputValue(), "a");
  }
});

it("puts one key back, and all of them", async ({ page }) => {
  await viewAs(page, "Senior approver");
  await reset(page);
  await change(page, "Next row", "n");
  await page.getByRole("button", { name: "Reset: Next row" }).waitFor();
  await change(page, "Previous row", "p");
  await page.getByRole("button", { name: "Reset: Previous row" }).waitFor();

  await page.getByRole("button", { name: "Reset: Next row" }).click();
  await page.getByRole("button", { name: "Reset: Next row" }).waitFor({ state: "detached" });
  assert.equal(await field(page, "Next row").inputValue(), "j");
  assert.equal(await field(page, "Previous row").inputValue(), "p");
  await page.getByRole("button", { name: "Reset all keys" }).click();
  await page.getByRole("button", { name: "Reset all keys" }).waitFor({ state: "detached" });

  assert.equal(await field(page, "Previous row").inputValue(), "k");
});

it("switches off every key of one character and leaves the others", async ({ page, javaScript }) => {
  await viewAs(page, "Senior approver");
  await reset(page);
  await page.getByRole("button", { name: "Switch them off" }).click();
  await page.getByRole("button", { name: "Switch them on" }).waitFor();
  await page.getByText("They are switched off and do nothing.", { exact: false }).waitFor();
  await accessible(page);

  if (javaScript) {
    await page.goto("/queue?view=team");
    await page.getByText("Live", { exact: true }).waitFor();
    await settled(page);
    for (const key of ["j", "?", "g"]) await page.keyboard.press(key);
    await settled(page);
    assert.equal(new URL(page.url()).search, "?view=team", "nothing was selected");
    assert.equal(await page.locator("dialog[open]").count(), 0);
    await page.keyboard.press("ArrowDown");
    await page.waitForURL((url) => url.searchParams.has("sel"));
    await page.getByRole("region", { name: "Selected decision" }).getByText("This view was recorded").waitFor();
    await settled(page);
    await page.keyboard.press("Control+k");
    await page.locator("#palette").waitFor();
  }
  await reset(page);
});

for (const [theme, width] of [["light", 1440], ["dark", 390]] as const) {
  it(`is accessible and well formed in ${theme} at ${width} px`, async ({ page }) => {
    await viewAs(page, "Approver");
    for (const address of ["/me/keys", "/me"]) {
      await page.goto(address);
      await wellFormed(page);
      await accessible(page);
    }
  }, { theme, width, height: width === 390 ? 844 : 900 });
}
