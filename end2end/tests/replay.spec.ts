// All 250 recorded calls of the airline agent, decided through the rendered forms. A long campaign: only with
// `cargo xtask test --full`, and only without JavaScript.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { command, issueKey } from "../lib/operator.ts";
import { invite, join, rule, setUp } from "../lib/people.ts";
import { startServer } from "../lib/server.ts";

interface Call {
  name: string;
  arguments: unknown;
}
interface Run {
  task: number;
  trial: number;
  correct: Call[];
  messages: { role: string; tool?: string; arguments?: unknown }[];
}

const RUNS = new URL("../../server/demo/airline-runs.json.gz", import.meta.url);
const WRITES = /^(update_|cancel_|book_|send_)/;

test("replay: every recorded call is answered as a careful reviewer would", {
  skip: process.env.COUNTERSIGN_FULL === "1" ? false : "a long campaign; cargo xtask test --full",
  timeout: 1_800_000,
}, async () => {
  const server = await startServer();
  const browser = await launchBrowser();
  try {
    const visit = { origin: server.origin, javaScript: false };
    const admin = await (await Visitor.arrive(browser, visit)).page();
    await setUp(admin, server.lines, "ada");
    const page = await (await Visitor.arrive(browser, visit)).page();
    await join(page, await invite(admin, "Approver A", "approver-a", "Senior approver"));
    const key = await issueKey(server.data, "airline-agent");
    const replay = command("replay", "--url", server.origin, "--key", key, "--at-once", "118");

    const correct = verdicts();
    const given = { Approve: 0, Reject: 0 };
    while (given.Approve + given.Reject < correct.size) {
      await page.goto("/queue");
      const paths = await page.getByRole("main").locator('a[href^="/decisions/"]').evaluateAll((links) =>
        links.map((link) => link.getAttribute("href") ?? "")
      );
      for (const path of new Set(paths)) {
        await page.goto(path);
        const name = /replay:(airline-\d+-\d+:\d+)/.exec((await page.getByRole("main").textContent()) ?? "")?.[1];
        assert.ok(name && correct.has(name), `${path} names its recorded call`);
        const verdict = correct.get(name) ? "Approve" : "Reject";
        await rule(page, verdict, verdict === "Approve" ? "One of the correct actions." : "Not one of the correct actions.");
        await page.getByText("Your review is recorded.").first().waitFor();
        given[verdict] += 1;
      }
    }

    const { status, output } = await replay;
    assert.equal(status, 0, output);
    assert.match(output, /approved 88\nrejected 162/);
    assert.deepEqual(given, { Approve: 88, Reject: 162 });
  } finally {
    await browser.close();
    await server.stop();
  }
});

/** Which calls equal one of their task's correct actions, by name and canonical arguments. */
function verdicts(): Map<string, boolean> {
  const runs = JSON.parse(gunzipSync(readFileSync(RUNS)).toString()) as Run[];
  const found = new Map<string, boolean>();
  for (const run of runs) {
    const calls = run.messages.filter((message) => message.role === "assistant" && WRITES.test(message.tool ?? ""));
    calls.forEach((call, position) => {
      const fits = run.correct.some((each) => each.name === call.tool && canonical(each.arguments) === canonical(call.arguments));
      found.set(`airline-${run.task}-${run.trial}:${position + 1}`, fits);
    });
  }
  return found;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}
