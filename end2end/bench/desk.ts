// What only a browser can tell of the desk, printed as JSON: how soon a key, a click and an act of somebody else are
// on screen, and what Lighthouse says of queue and decision. `cargo xtask bench pages` runs it against its installation.
import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";
import type { Page } from "playwright-core";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { propose } from "../lib/operator.ts";

const origin = wanted("COUNTERSIGN_ORIGIN");
const session = wanted("COUNTERSIGN_COOKIE");
const key = wanted("COUNTERSIGN_KEY");
const ROUNDS = process.env.COUNTERSIGN_QUICK === "1" ? 10 : 50;
/** Rows that the keys go down before they go up again. */
const STEPS = 9;
/** Keys wait until what is shown has stood for a moment. */
const SETTLED_MS = 400;
const MINUTES_MAX = 5;
/** Lighthouse's scores vary from run to run; the median of so many counts. */
const LIGHTHOUSE_RUNS = 3;

interface Times {
  count: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
}

interface Scores {
  path: string;
  performance: number;
  accessibility: number;
  best_practices: number;
}

const [name = "", ...rest] = session.split("=");
const browser = await launchBrowser();
const visitor = await Visitor.arrive(browser, { origin });
await visitor.context.addCookies([{ name, value: rest.join("="), url: origin }]);
const page = await visitor.page();
const path = await firstDecision(page);
const result = {
  key_to_row: await within("keys", keyToRow(page)),
  event_to_row: await within("rows", eventToRow(page)),
  click_to_recorded: await within("clicks", clickToRecorded(page)),
  lighthouse: [] as Scores[],
};
await browser.close();
for (const problem of visitor.problems) process.stderr.write(`on a page: ${problem}\n`);
for (const each of ["/queue", path]) {
  const found = await within(`Lighthouse on ${each}`, scores(each));
  if (found) result.lighthouse.push(found);
}
process.stdout.write(`${JSON.stringify(result)}\n`);

/** A measurement that fails or does not end is said to be missing, and costs nothing of the others. */
async function within<T>(what: string, measured: Promise<T>): Promise<T | undefined> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`no end after ${MINUTES_MAX} minutes`)), MINUTES_MAX * 60_000).unref();
  });
  try {
    process.stderr.write(`Measuring ${what} …\n`);
    return await Promise.race([measured, late]);
  } catch (error) {
    process.stderr.write(`${what}: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

function wanted(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set; cargo xtask bench pages sets it`);
  return value;
}

/** From `j` or `k` to the frame in which another row is selected. */
async function keyToRow(page: Page): Promise<Times> {
  await open(page, "/queue?view=team");
  // The first press has no row to leave.
  await selectBy(page, "j");
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Down and up again in turn, so that the first page of rows is enough and no press meets its end.
    times.push(await selectBy(page, round % (2 * STEPS) < STEPS ? "j" : "k"));
  }
  return summary(times);
}

/** Presses a key that selects another row and waits until its decision is read; returns milliseconds to the frame with the row selected. */
async function selectBy(page: Page, key: "j" | "k"): Promise<number> {
  await page.waitForTimeout(SETTLED_MS);
  // The page listens before the key is pressed.
  const painted = await page.evaluateHandle(() => {
    const before = document.activeElement?.id ?? "";
    const painted = new Promise<number>((resolve) => {
      addEventListener("keydown", (event) => {
        const pressed = event.timeStamp;
        const look = (frame: number) => {
          if ((document.activeElement?.id ?? "") === before) requestAnimationFrame(look);
          else requestAnimationFrame(() => resolve(Math.max(frame, performance.now()) - pressed));
        };
        requestAnimationFrame(look);
      }, { once: true, capture: true });
    });
    return { painted };
  });
  await page.keyboard.press(key);
  const time = await painted.evaluate((kept) => kept.painted);
  const selected = new URL(page.url()).searchParams.get("sel");
  const pane = page.getByRole("region", { name: "Selected decision" });
  await pane.locator(`a[href="/decisions/${selected}"]`).first().waitFor();
  await pane.getByText("This view was recorded").first().waitFor();
  return time;
}

/** From sending a proposal to the frame in which the pill of new rows counts it. */
async function eventToRow(page: Page): Promise<Times> {
  await open(page, "/queue?view=team&sort=newest");
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const painted = await page.evaluateHandle((count) => {
      const painted = new Promise<number>((resolve) => {
        const look = () => {
          const buttons = [...document.querySelectorAll("button")];
          if (buttons.some((button) => button.textContent?.startsWith(`${count} new`))) {
            requestAnimationFrame(() => resolve(Date.now()));
          } else requestAnimationFrame(look);
        };
        look();
      });
      return { painted };
    }, round + 1);
    const sent = Date.now();
    await propose(origin, key, `bench-row-${round}`);
    times.push((await painted.evaluate((kept) => kept.painted)) - sent);
  }
  return summary(times);
}

/** From the click on Approve to the frame that says that the review is recorded. */
async function clickToRecorded(page: Page): Promise<Times> {
  const times: number[] = [];
  await open(page, "/queue?view=your_turn");
  const links = await page.getByRole("main").locator('a[href^="/decisions/"]').evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  for (const path of [...new Set(links)].slice(0, ROUNDS)) {
    await open(page, path);
    const main = page.getByRole("main");
    await main.getByRole("button", { name: "Start review" }).first().click();
    await main.getByText("You have this until").first().waitFor();
    await page.getByLabel("Reason code").selectOption("within_policy");
    await page.getByLabel("Reason", { exact: true }).fill("It is what the policy allows.");
    await page.waitForTimeout(SETTLED_MS);
    const painted = await page.evaluateHandle(() => {
      const painted = new Promise<number>((resolve) => {
        addEventListener("click", (event) => {
          const clicked = event.timeStamp;
          const look = () => {
            if (document.body.textContent?.includes("Your review is recorded.")) {
              requestAnimationFrame(() => resolve(performance.now() - clicked));
            } else requestAnimationFrame(look);
          };
          look();
        }, { once: true, capture: true });
      });
      return { painted };
    });
    await main.getByRole("button", { name: "Approve", exact: true }).click();
    times.push(await painted.evaluate((kept) => kept.painted));
  }
  return summary(times);
}

async function firstDecision(page: Page): Promise<string> {
  await page.goto("/queue");
  const path = await page.getByRole("main").locator('a[href^="/decisions/"]').first().getAttribute("href");
  if (!path) throw new Error("the queue has no decision");
  return path;
}

async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.getByText("Live", { exact: true }).waitFor();
}

/** Lighthouse's scores of a page for somebody signed in at a desk, of a hundred. */
async function scores(path: string): Promise<Scores> {
  const runs: Scores[] = [];
  for (let run = 0; run < LIGHTHOUSE_RUNS; run++) {
    const chrome = await launch({
      chromePath: process.env.COUNTERSIGN_CHROMIUM ?? "/usr/bin/chromium",
      chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
      logLevel: "silent",
    });
    try {
      const found = await lighthouse(origin + path, {
        port: chrome.port,
        logLevel: "error",
        extraHeaders: { Cookie: session },
        onlyCategories: ["performance", "accessibility", "best-practices"],
      }, desktopConfig);
      const score = (category: string) => Math.round((found?.lhr.categories[category]?.score ?? 0) * 100);
      runs.push({
        path: path === "/queue" ? path : "/decisions/{id}",
        performance: score("performance"),
        accessibility: score("accessibility"),
        best_practices: score("best-practices"),
      });
    } finally {
      chrome.kill();
    }
  }
  const middle = runs.sort((a, b) => a.performance - b.performance)[Math.floor(runs.length / 2)];
  if (!middle) throw new Error(`Lighthouse said nothing of ${path}`);
  return middle;
}

/** Nearest ranks, as everywhere in the benches. */
function summary(times: number[]): Times {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (ofHundred: number) => sorted[Math.ceil((sorted.length * ofHundred) / 100) - 1] ?? 0;
  return { count: sorted.length, p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) };
}
