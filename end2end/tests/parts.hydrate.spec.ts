// Pages whose code is fetched when one of them is opened, and what happens when it does not come.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("parts", { demo: true });

/** A part, or what parts share; never the module that every page runs. */
const PART = /\/pkg\/countersign\.[0-9a-f]{16}\/(split|chunk)_\w+\.wasm$/;
const WHOLE = /\/pkg\/countersign\.[0-9a-f]{16}\/countersign_bg\.wasm$/;

/** Notes which files of the application a page asks for. */
function asked(page: Page): { modules: number; parts: Set<string> } {
  const files = { modules: 0, parts: new Set<string>() };
  page.on("request", (request) => {
    const name = PART.exec(request.url()) ? request.url().split("/").at(-1) : undefined;
    if (name) files.parts.add(name);
    if (WHOLE.test(request.url())) files.modules += 1;
  });
  return files;
}

/** Waits until the page's handlers are there: only then does the stream or a click do anything. */
async function hydrated(page: Page): Promise<void> {
  await page.getByText("Live", { exact: true }).waitFor();
}

it("lets daily work run on the module and the part that draws a decision", async ({ page }) => {
  await viewAs(page, "Senior approver");
  const files = asked(page);

  await page.goto("/queue");
  await hydrated(page);
  const path = await page.getByRole("main").locator('a[href^="/decisions/"]').first().getAttribute("href");
  await page.goto(path ?? "");
  await hydrated(page);

  assert.equal(files.modules, 2, "the module was asked for on each page");
  const named = [...files.parts].filter((name) => name.startsWith("split_"));
  assert.deepEqual(named, ["split_decision.wasm"]);
});

it("fetches a part once, when the first of its pages is opened from another", async ({ page }) => {
  await viewAs(page, "Compliance officer");
  await page.goto("/queue");
  await hydrated(page);
  const files = asked(page);
  const navigation = page.getByRole("navigation", { name: "Main" });

  await navigation.getByRole("link", { name: "People" }).click();
  await page.getByRole("heading", { level: 1, name: "People" }).waitFor();
  assert.ok(files.parts.has("split_admin.wasm"), [...files.parts].join(" "));
  assert.ok(!files.parts.has("split_ledger.wasm"), "no other part was asked for");
  const before = files.parts.size;

  await navigation.getByRole("link", { name: "Access log" }).click();
  await page.getByRole("heading", { level: 1, name: "Access log" }).waitFor();
  assert.equal(files.parts.size, before, "the part was there");
  assert.equal(files.modules, 0, "nothing was loaded anew");
});

it("leaves the page as the server drew it when its part does not come, says so, and its forms work", async ({ page, visitor }) => {
  visitor.expect(/ERR_FAILED|Failed to fetch/);
  await viewAs(page, "Auditor");
  await page.route(PART, (route) => route.abort());

  await page.goto("/admin/access?kind=list");

  const alert = page.getByRole("alert").filter({ hasText: "did not load" });
  await alert.waitFor();
  await page.getByRole("table", { name: "Access log" }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await page.getByLabel("Kind").selectOption("read");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/kind=read/);
  await alert.waitFor();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Queue" }).click();
  await page.getByRole("heading", { level: 1, name: "Queue" }).waitFor();
  assert.equal(await alert.count(), 0);

  await page.goBack();
  await alert.waitFor();
  await page.unroute(PART);
  await alert.getByRole("link", { name: "Reload" }).click();
  await page.getByRole("table", { name: "Access log" }).waitFor();
  assert.match(page.url(), /kind=read/);
  await alert.waitFor({ state: "detached" });
});

it("says so when the part of a page that is opened from another does not come, and goes on", async ({ page, visitor }) => {
  visitor.expect(/status of 404|HTTP status code is not ok|ERR_FAILED|Failed to fetch/);
  await viewAs(page, "Compliance officer");
  await page.goto("/queue");
  await hydrated(page);
  // As a server of another build answers.
  await page.route(PART, (route) => route.fulfill({ status: 404, body: "There is no such file." }));
  const navigation = page.getByRole("navigation", { name: "Main" });

  await navigation.getByRole("link", { name: "People" }).click();
  await page.getByRole("heading", { level: 1, name: "This page did not load" }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await navigation.getByRole("link", { name: "Queue" }).click();
  await page.getByRole("heading", { level: 1, name: "Queue" }).waitFor();
  await navigation.getByRole("link", { name: "Ledger" }).click();
  await page.getByRole("heading", { level: 1, name: "This page did not load" }).waitFor();

  await page.unroute(PART);
  await page.getByRole("link", { name: "Reload" }).click();
  await page.getByRole("heading", { level: 1, name: "Ledger" }).waitFor();
});

it("fetches a part again where that failed before", async ({ page, visitor }) => {
  visitor.expect(/ERR_FAILED|Failed to fetch/);
  await viewAs(page, "Compliance officer");
  await page.goto("/queue");
  await hydrated(page);
  await page.route(PART, (route) => route.abort());
  const navigation = page.getByRole("navigation", { name: "Main" });
  await navigation.getByRole("link", { name: "People" }).click();
  await page.getByRole("heading", { level: 1, name: "This page did not load" }).waitFor();

  await page.unroute(PART);
  await navigation.getByRole("link", { name: "Access log" }).click();

  await page.getByRole("heading", { level: 1, name: "Access log" }).waitFor();
});
