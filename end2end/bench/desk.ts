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
const ROUNDS = process.env.COUNTERSIGN_QUICK === "1" ? 10 : 60;
/** Keys wait until what is shown has stood for a moment. */
const SETTLED_MS = 400;
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
const result = {
  key_to_row: await keyToRow(page),
  event_to_row: await eventToRow(page),
  click_to_recorded: await clickToRecorded(page),
  lighthouse: [] as Scores[],
};
const path = await firstDecision(page);
await visitor.leave();
await browser.close();
for (const each of ["/queue", path]) result.lighthouse.push(await scores(each));
process.stdout.write(`${JSON.stringify(result)}\n`);

function wanted(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set; cargo xtask bench pages sets it`);
  return value;
}

/** From `j` or `k` to the frame in which another row is selected. */
async function keyToRow(page: Page): Promise<Times> {
  await open(page, "/queue?view=team");
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await page.waitForTimeout(SETTLED_MS);
    const painted = page.evaluate(() => {
      const before = document.activeElement?.id ?? "";
      return new Promise<number>((resolve) => {
        addEventListener("keydown", (event) => {
          const pressed = event.timeStamp;
          const look = (frame: number) => {
            if ((document.activeElement?.id ?? "") === before) requestAnimationFrame(look);
            else requestAnimationFrame(() => resolve(Math.max(frame, performance.now()) - pressed));
          };
          requestAnimationFrame(look);
        }, { once: true, capture: true });
      });
    });
    // Up again at times, so that a page of rows is enough.
    await page.keyboard.press(round % 20 < 10 ? "j" : "k");
    times.push(await painted);
    await page.getByRole("region", { name: "Selected decision" }).getByText("This view was recorded").first().waitFor();
  }
  return summary(times);
}

/** From sending a proposal to the frame in which the pill of new rows counts it. */
async function eventToRow(page: Page): Promise<Times> {
  await open(page, "/queue?view=team&sort=newest");
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const painted = page.evaluate((count) => new Promise<number>((resolve) => {
      const look = () => {
        const pill = [...document.querySelectorAll("button")].find((button) => button.textContent?.startsWith(`${count} new`));
        if (pill) requestAnimationFrame(() => resolve(Date.now()));
        else requestAnimationFrame(look);
      };
      look();
    }), round + 1);
    const sent = Date.now();
    await propose(origin, key, `bench-row-${round}`);
    times.push((await painted) - sent);
  }
  return summary(times);
}

/** From the click on Approve to the frame that says that the review is recorded. */
async function clickToRecorded(page: Page): Promise<Times> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const id = await propose(origin, key, `bench-click-${round}`);
    await open(page, `/decisions/${id}`);
    const main = page.getByRole("main");
    await main.getByRole("button", { name: "Start review" }).first().click();
    await main.getByText("You have this until").first().waitFor();
    await page.getByLabel("Reason code").selectOption("within_policy");
    await page.getByLabel("Reason", { exact: true }).fill("It is what the policy allows.");
    await page.waitForTimeout(SETTLED_MS);
    const painted = page.evaluate(() => new Promise<number>((resolve) => {
      addEventListener("click", (event) => {
        const clicked = event.timeStamp;
        const look = () => {
          if (document.body.textContent?.includes("Your review is recorded.")) {
            requestAnimationFrame(() => resolve(performance.now() - clicked));
          } else requestAnimationFrame(look);
        };
        look();
      }, { once: true, capture: true });
    }));
    await main.getByRole("button", { name: "Approve", exact: true }).click();
    times.push(await painted);
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
