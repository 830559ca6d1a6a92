// The distribution's Chromium, and pages that remember everything that went wrong in them.
import { strict as assert } from "node:assert";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const WAIT_MS = 30_000;

/** Starts Chromium with an empty profile and without any talk to the outside. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.COUNTERSIGN_CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    chromiumSandbox: false,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface VisitorOptions {
  /** Where relative addresses lead. */
  origin: string;
  javaScript?: boolean;
  theme?: "light" | "dark";
  /** Of the window, in CSS pixels. */
  width?: number;
  height?: number;
  reducedMotion?: boolean;
  forcedColors?: boolean;
  /** Other applications that a visit leads to, by origin; what goes wrong on their pages is theirs. */
  strangers?: string[];
  /** Messages this visit provokes on purpose, such as the browser's own line about a 403. */
  expected?: RegExp[];
}

/** One person's browser: own cookies, own pages, one list of everything that went wrong. */
export class Visitor {
  readonly context: BrowserContext;
  readonly problems: string[] = [];
  readonly #expected: RegExp[];
  readonly #strangers: string[];

  private constructor(context: BrowserContext, { expected, strangers }: VisitorOptions) {
    this.context = context;
    this.#expected = expected ?? [];
    this.#strangers = strangers ?? [];
  }

  static async arrive(browser: Browser, options: VisitorOptions): Promise<Visitor> {
    const settings: BrowserContextOptions = {
      baseURL: options.origin,
      javaScriptEnabled: options.javaScript ?? true,
      colorScheme: options.theme ?? "light",
      viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
      reducedMotion: options.reducedMotion ? "reduce" : "no-preference",
      forcedColors: options.forcedColors ? "active" : "none",
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
    };
    const context = await browser.newContext(settings);
    // An end for what never comes. How fast pages are is for the benches: other work on the machine must not fail a spec.
    context.setDefaultTimeout(WAIT_MS);
    return new Visitor(context, options);
  }

  /** Opens a page whose every console message, script error and policy violation is noted. */
  async page(): Promise<Page> {
    const page = await this.context.newPage();
    page.on("console", (message) => {
      if (!this.#isStranger(message.location().url || page.url())) this.#note(`console ${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => {
      if (!this.#isStranger(page.url())) this.#note(`script error: ${error.message}`);
    });
    page.on("crash", () => this.#note("the page crashed"));
    page.on("response", (response) => {
      if (response.status() >= 500 && !this.#isStranger(response.url())) this.#note(`${response.status()} from ${response.url()}`);
    });
    return page;
  }

  /** Says that a message is meant to appear from here on. */
  expect(message: RegExp): void {
    this.#expected.push(message);
  }

  /** Fails if anything went wrong on any page; closes them all. */
  async leave(): Promise<void> {
    await this.context.close();
    assert.deepEqual(this.problems, [], "nothing goes wrong on the page");
  }

  #isStranger(address: string): boolean {
    return this.#strangers.some((stranger) => address.startsWith(`${stranger}/`));
  }

  #note(problem: string): void {
    if (!this.#expected.some((expected) => expected.test(problem))) this.problems.push(problem);
  }
}
