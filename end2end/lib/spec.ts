// How a spec is written:
//
//   import { strict as assert } from "node:assert";
//   import { specs } from "../lib/spec.ts";
//
//   const { it } = specs("queue", { demo: true });
//
//   it("shows who waits", async ({ page }) => {
//     await page.goto("/queue");
//     assert.ok(await page.getByRole("heading", { name: "Queue" }).isVisible());
//   });
//
// Each runs twice, with JavaScript and without; in a file named *.hydrate.spec.ts only with it. A
// console message, a script error, a policy violation or an answer of 500 and above fails it.
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, Visitor, type VisitorOptions } from "./browser.ts";
import { type Server, type ServerOptions, startServer } from "./server.ts";

export interface Scene {
  /** A page of the main visitor. */
  page: Page;
  visitor: Visitor;
  server: Server;
  javaScript: boolean;
  /** Another person, with cookies of their own; checked and closed like the first. */
  another(options?: Partial<VisitorOptions>): Promise<Visitor>;
}

export interface SpecOptions extends ServerOptions {
  /** Instead of starting a server, use one that runs already. */
  origin?: () => string;
  /** How long each may take; 120 unless told. */
  seconds?: number;
}

export interface Specs {
  it(name: string, body: (scene: Scene) => Promise<void>, visitor?: Partial<VisitorOptions>): void;
}

const TEST_SECONDS = 120;

/** Prepares one server and one browser for all specs of a file. */
export function specs(subject: string, options: SpecOptions = {}): Specs {
  const timeout = (options.seconds ?? TEST_SECONDS) * 1_000;
  const modes = process.argv[1]?.endsWith(".hydrate.spec.ts") ? [true] : [true, false];
  let server: Server | undefined;
  let browser: Browser | undefined;

  before(async () => {
    // Each is kept as soon as it is there, so that it ends even where the other never begins.
    const serving = options.origin ? undefined : startServer(options).then((started) => (server = started));
    const launching = launchBrowser().then((launched) => (browser = launched));
    const begun = await Promise.allSettled([serving, launching]);
    for (const each of begun) if (each.status === "rejected") throw each.reason;
  }, { timeout: 180_000 });
  after(async () => {
    // Whatever becomes of the browser: a server that goes on keeps this process from its end.
    const closed = browser?.close();
    await server?.stop();
    await closed;
  }, { timeout: 60_000 });

  const play = async (javaScript: boolean, body: (scene: Scene) => Promise<void>, more: Partial<VisitorOptions>) => {
    if (!browser) throw new Error("no browser");
    const everywhere = { origin: options.origin?.() ?? server?.origin ?? "", javaScript, ...more };
    const visitors: Visitor[] = [];
    const another = async (other: Partial<VisitorOptions> = {}) => {
      const visitor = await Visitor.arrive(browser as Browser, { ...everywhere, ...other });
      visitors.push(visitor);
      return visitor;
    };
    const visitor = await another();
    try {
      await body({ page: await visitor.page(), visitor, server: server as Server, javaScript, another });
    } catch (error) {
      await Promise.all(visitors.map((each) => each.context.close()));
      const problems = visitors.flatMap((each) => each.problems);
      if (problems.length > 0 && error instanceof Error) error.message += `\nOn the page:\n${problems.join("\n")}`;
      throw error;
    }
    for (const each of visitors) await each.leave();
  };

  return {
    it(name, body, visitor = {}) {
      for (const javaScript of modes) {
        const mode = javaScript ? "with JavaScript" : "without JavaScript";
        test(`${subject}: ${name} (${mode})`, { timeout }, () => play(javaScript, body, visitor));
      }
    },
  };
}
