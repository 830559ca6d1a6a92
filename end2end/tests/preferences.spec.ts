// What a browser keeps for its person: theme, density, times; a decision on paper; and who else reads it.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { issueKey, propose } from "../lib/operator.ts";
import { viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("preferences", { demo: true, seconds: 120 });

let keyOf: Promise<string> | undefined;
let proposed = 0;

async function fresh(server: Server): Promise<string> {
  keyOf ??= issueKey(server.data, "paper-agent");
  proposed += 1;
  return propose(server.origin, await keyOf, `PAPER-${proposed}`);
}

const root = (page: Page) => page.evaluate(() => ({ ...document.documentElement.dataset }));
const ground = (page: Page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

it("draws the chosen theme and density from the first byte, and comes back to the page", async ({ page }) => {
  await viewAs(page, "Senior approver");
  await page.goto("/queue?view=team&sort=newest");
  const light = await ground(page);

  // As the system, light, dark, and round again.
  await page.getByRole("button", { name: /^Theme: as the system/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).waitFor();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  await page.getByRole("button", { name: /^Theme: dark/ }).waitFor();
  assert.equal(new URL(page.url()).search, "?view=team&sort=newest");
  assert.equal((await root(page)).theme, "dark");
  assert.notEqual(await ground(page), light);
  const answer = await page.request.get("/queue");
  assert.match(await answer.text(), /<html[^>]* data-theme="dark"/, "the server draws it, so that nothing flashes");
  await accessible(page);

  await page.goto("/me");
  await page.getByRole("radio", { name: "Compact" }).check();
  await page.getByRole("radio", { name: "As the system" }).check();
  await page.locator('form[action="/act/prefer"]').getByRole("button", { name: "Save", exact: true }).click();
  await page.locator('html[data-density="compact"]').waitFor({ state: "attached" });
  assert.equal(await page.getByRole("radio", { name: "Compact" }).isChecked(), true);
  await page.goto("/queue?view=team");
  const height = await page.getByRole("region", { name: "List", exact: true }).locator("ol > li").first().evaluate((row) => row.getBoundingClientRect().height);
  assert.ok(height <= 33, `${height}`);
  await wellFormed(page);
  await accessible(page);
});

it("shows local times with UTC beside them, and UTC alone without JavaScript", async ({ page, server, javaScript }) => {
  const id = await fresh(server);
  await viewAs(page, "Senior approver");
  await page.goto("/me");
  await page.getByRole("radio", { name: "This browser's time zone" }).check();
  await page.locator('form[action="/act/prefer"]').getByRole("button", { name: "Save", exact: true }).click();
  await page.locator('html[data-zone="local"]').waitFor({ state: "attached" });

  await page.goto(`/decisions/${id}`);
  // The browser of these tests stands in Berlin.
  const words = javaScript ? / UTC\+[12] \((.+, )?\d\d:\d\d UTC\)$/ : /, \d\d:\d\d UTC$/;
  await page.locator("#ask time", { hasText: words }).first().waitFor();
  await wellFormed(page);
  await accessible(page);
});

it("moves nothing where the system asks for that", async ({ page }) => {
  await viewAs(page, "Senior approver");
  await page.goto("/queue?view=team");

  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((element) => {
      const style = getComputedStyle(element);
      return style.transitionDuration.split(", ").some((one) => parseFloat(one) > 0) || style.animationDuration.split(", ").some((one) => parseFloat(one) > 0);
    }).length
  );

  assert.equal(moving, 0);
}, { reducedMotion: true });

it("prints a decision with its place in the log, its checkpoint and whose print it is, and no form", async ({ page, server }) => {
  const id = await fresh(server);
  await viewAs(page, "Senior approver");
  await page.goto(`/decisions/${id}`);
  const head = page.locator("[data-paper]");
  assert.equal(await head.isVisible(), false, "on the screen it is not there");

  await page.emulateMedia({ media: "print" });
  const text = (await head.textContent()) ?? "";
  assert.match(text, new RegExp(id));
  assert.match(text, /proposed #\d+/);
  assert.match(text, /root hash\s+[A-Za-z0-9+/]{43}=/);
  assert.match(text, /by\s+Senior approver A/);
  assert.equal(await head.isVisible(), true);
  assert.equal(await page.locator("[data-printed] form, [data-printed] button").filter({ visible: true }).count(), 0, "paper takes no answer");
  assert.equal(await page.getByRole("navigation").filter({ visible: true }).count(), 0);
  await page.getByText("Open for review when this was printed.", { exact: false }).waitFor();
  const sheet = await page.pdf({ preferCSSPageSize: true });
  assert.match(sheet.toString("latin1"), /\/MediaBox \[0 0 59[45][.\d]* 84[12][.\d]*\]/, "A4");
});

it("says who else reads a decision, in a line that is always there", async ({ page, server, another, javaScript }) => {
  const id = await fresh(server);
  await viewAs(page, "Senior approver");
  await page.goto(`/decisions/${id}`);
  const line = page.locator("[data-readers]");
  const heading = page.getByRole("heading", { level: 1 });
  const before = await heading.boundingBox();
  const auditor = await (await another()).page();
  await viewAs(auditor, "Auditor");
  await auditor.goto(`/decisions/${id}`);
  const second = await (await another()).page();
  await viewAs(second, "Approver");
  await second.goto(`/decisions/${id}`);

  if (!javaScript) {
    assert.equal((await line.textContent())?.trim(), "", "it is live, and needs a script");
    return;
  }
  await line.getByText("Approver A is reading").waitFor();
  await second.locator("[data-readers]").getByText("Senior approver A is reading").waitFor({ timeout: 40_000 });
  assert.deepEqual(await heading.boundingBox(), before, "nothing moved");
  assert.equal((await auditor.locator("[data-readers]").textContent())?.trim(), "", "who watches sees nobody, and is not seen");
  await accessible(page);
  await second.goto("/queue");
  await line.getByText("Approver A is reading").waitFor({ state: "detached", timeout: 45_000 });
});
