// What must hold on every page.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

/** No violation of any rule axe knows, WCAG 2.2 AA and best practices alike. */
export async function accessible(page: Page): Promise<void> {
  // Without JavaScript axe cannot work on the page itself: it looks at a copy.
  if (await page.evaluate(() => matchMedia("(scripting: none)").matches)) return accessibleCopy(page);

  // Evaluated by the debugger, so the page's own policy stays as it is.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  });
  const shown = violations.flatMap((violation) =>
    violation.nodes.map((node) => `${violation.id} (${violation.help}) at ${node.target.join(" ")}: ${node.failureSummary}`)
  );
  assert.deepEqual(shown, [], `${page.url()} is accessible`);
}

/** The same check on the markup as it stands, at the same address, with every script left out. */
async function accessibleCopy(page: Page): Promise<void> {
  const markup = (await page.content())
    .replace(/<script\b[^]*?<\/script>/gi, "")
    .replace(/<(\/?)noscript\b/gi, "<$1div");
  const theme = await page.evaluate(() => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  const browser = page.context().browser();
  assert.ok(browser, "the page has a browser");
  const context = await browser.newContext({ viewport: page.viewportSize(), colorScheme: theme });
  try {
    const copy = await context.newPage();
    await copy.route(page.url(), (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: markup }));
    await copy.goto(page.url());
    await accessible(copy);
  } finally {
    await context.close();
  }
}

/** One main heading, a title, a language, and no sideways scrolling. */
export async function wellFormed(page: Page): Promise<void> {
  // On a busy machine the page may still be read after something beside it has come.
  await page.locator("h1").first().waitFor();
  const facts = await page.evaluate(() => ({
    headings: document.querySelectorAll("h1").length,
    title: document.title.trim(),
    language: document.documentElement.lang,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    styled: document.querySelectorAll("[style]").length,
  }));
  assert.equal(facts.headings, 1, `${page.url()} has one <h1>`);
  assert.notEqual(facts.title, "", `${page.url()} has a title`);
  assert.notEqual(facts.language, "", `${page.url()} names its language`);
  assert.ok(facts.overflow <= 0, `${page.url()} scrolls sideways by ${facts.overflow} px`);
  assert.equal(facts.styled, 0, `${page.url()} has style attributes`);
}
