// Records whose texts try to become script: Chromium opens their pages, and nothing runs.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { issueKey } from "../lib/operator.ts";
import { rule, viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("injection", { demo: true });
const { exits, payloads }: { exits: string[]; payloads: string[] } = JSON.parse(
  readFileSync(new URL("../lib/injections.json", import.meta.url), "utf8"),
);
const RECORDS = process.env.COUNTERSIGN_FULL === "1" ? 50 : 10;

it("shows every text and runs none", async ({ page, server, javaScript }) => {
  const all = exits.flatMap((exit) => payloads.map((payload) => exit + payload));
  const step = all.length / RECORDS;
  // Other texts with JavaScript than without, and another exit each time.
  const texts = Array.from({ length: RECORDS }, (_, n) => all[Math.floor(n * step + (n * 7 + (javaScript ? 0 : 3)) % step)]);
  const key = await issueKey(server.data, javaScript ? "agent-a" : "agent-b");
  await viewAs(page, "Senior approver");

  for (const [n, text] of texts.entries()) {
    const id = await propose(server, key, `${javaScript}${n}`, text);
    await page.goto(`/decisions/${id}`);
    const main = (await page.getByRole("main").textContent()) ?? "";
    assert.ok(main.includes(text), `${text} is shown as it was sent`);
    if (n === 0) {
      await rule(page, "Reject", text);
      await page.getByText("Your review is recorded.").first().waitFor();
      await page.goto(`/decisions/${id}`);
    }
    await unharmed(page, text);
  }
  await page.goto("/queue");
  await unharmed(page, "the queue");
});

async function propose(server: Server, key: string, name: string, text: string): Promise<string> {
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": name },
    body: JSON.stringify({
      mode: "propose",
      action: { type: "reservation.cancel", parameters: { reservation_id: text } },
      intent: text,
      rationale: text,
      alternatives: [{ action: text, why_not: text }],
      subjects: [{ ref: text, kind: "person" }],
      context: { conversation: `injection ${name}`, steps: [{ role: "user", text }] },
      second_act: true,
    }),
  });
  const body = (await answer.json()) as { id: string };
  assert.equal(answer.status, 202, JSON.stringify(body));
  return body.id;
}

/** Nothing set the mark that every script of the list sets, and the page stayed where it was. */
async function unharmed(page: Page, what: string): Promise<void> {
  const hit = await page.evaluate(() => (globalThis as unknown as { hit?: number }).hit);
  assert.equal(hit, undefined, `a script of ${what} ran`);
  assert.match(new URL(page.url()).pathname, /^\/(decisions\/|queue)/);
}
