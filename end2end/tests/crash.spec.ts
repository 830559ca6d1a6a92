// kill -9 of the server, of PostgreSQL, of both, under writing clients. A long campaign: `cargo xtask test --full`.
import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join as path } from "node:path";
import { test } from "node:test";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { command, issueKey } from "../lib/operator.ts";
import { setUp } from "../lib/people.ts";
import { type Server, startServer } from "../lib/server.ts";

const ROUNDS = 20;
const CLIENTS = 16;
const ROUND_MS = 1_500;
const READY_MS_MAX = 5 * 10_000;

test("crash: no acknowledged decision is lost or doubled", {
  skip: process.env.COUNTERSIGN_FULL === "1" ? false : "a long campaign; cargo xtask test --full",
  timeout: 1_800_000,
}, async (context) => {
  const server = await startServer();
  const browser = await launchBrowser();
  const acknowledged = new Map<string, string>();
  const ready: number[] = [];
  try {
    await setUp(await (await Visitor.arrive(browser, { origin: server.origin })).page(), server.lines, "ada");
    const key = await issueKey(server.data, "airline-agent");
    for (let round = 0; round < ROUNDS; round++) {
      const stop = { now: false };
      const writers = Array.from({ length: CLIENTS }, (_, client) => write(server, key, `${round}:${client}`, acknowledged, stop));
      await sleep(ROUND_MS);
      const began = performance.now();
      if (round % 3 !== 0) killPostgres(server);
      if (round % 3 !== 1) await server.crash();
      await until(async () => (await fetch(`${server.origin}/readyz`)).ok, READY_MS_MAX);
      ready.push(performance.now() - began);
      stop.now = true;
      await Promise.all(writers);
    }

    assert.ok(acknowledged.size > ROUNDS * CLIENTS, `${acknowledged.size} decisions were acknowledged`);
    for (const [name, id] of acknowledged) {
      const again = await patiently(server, key, name);
      assert.equal(again.id, id, `${name} is the same decision`);
    }
    assert.equal(new Set(acknowledged.values()).size, acknowledged.size);
    ready.sort((a, b) => a - b);
    context.diagnostic(
      `${acknowledged.size} acknowledged; ready again after ${Math.round(ready[ready.length >> 1])} ms (median), ${Math.round(ready.at(-1) ?? 0)} ms (longest)`,
    );
    const directory = path(server.data, "export");
    const exported = await command("export", "--to", directory, "--data", server.data);
    assert.equal(exported.status, 0, exported.output);
    const verified = await command("verify", directory, "--trust", path(directory, "trust-policy.txt"));
    assert.notEqual(verified.status, 1, verified.output);
    context.diagnostic(verified.output.trim().split("\n").slice(-3).join(" | "));
  } finally {
    await browser.close();
    await server.stop();
  }
});

async function write(server: Server, key: string, name: string, acknowledged: Map<string, string>, stop: { now: boolean }) {
  for (let number = 0; !stop.now; number++) {
    const request = `${name}:${number}`;
    try {
      acknowledged.set(request, (await propose(server, key, request)).id);
    } catch {
      // Not acknowledged: the server is away. Another request follows.
      await sleep(50);
    }
  }
}

async function propose(server: Server, key: string, name: string): Promise<{ id: string }> {
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": name },
    body: JSON.stringify({
      mode: "propose",
      action: { type: "reservation.cancel", parameters: { reservation_id: name } },
    }),
    signal: AbortSignal.timeout(20_000),
  });
  if (answer.status === 429) {
    await sleep(1_000 * Number(answer.headers.get("retry-after") ?? 1));
    return propose(server, key, name);
  }
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { id: string };
}

/** Asks again while the server says that it cannot answer now: what piled up during the last outage is sealed first. */
async function patiently(server: Server, key: string, name: string): Promise<{ id: string }> {
  for (const end = performance.now() + READY_MS_MAX; ; await sleep(250)) {
    try {
      return await propose(server, key, name);
    } catch (error) {
      const away = error instanceof Error && error.message.startsWith("503 ");
      if (!away || performance.now() > end) throw error;
    }
  }
}

function killPostgres(server: Server): void {
  const major = readdirSync(path(server.data, "pg")).find((name) => /^\d+$/.test(name)) ?? "";
  const pid = readFileSync(path(server.data, "pg", major, "postmaster.pid"), "utf8").split("\n")[0];
  process.kill(Number(pid), "SIGKILL");
}

async function until(done: () => Promise<boolean>, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!(await done().catch(() => false))) {
    assert.ok(performance.now() < end, `ready again within ${ms} ms`);
    await sleep(50);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
