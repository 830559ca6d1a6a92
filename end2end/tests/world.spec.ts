// The demo's past: days that agents and people lived through, judged by the two checkers that know nothing of them.
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { accessible, wellFormed } from "../lib/checks.ts";
import { command } from "../lib/operator.ts";
import { viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const run = promisify(execFile);
const PYTHON = process.env.COUNTERSIGN_PYTHON ?? "python3";
const REPLAY = new URL("../interop/replay.py", import.meta.url).pathname;
const place = mkdtempSync(path(tmpdir(), "countersign-world-"));
after(() => rmSync(place, { recursive: true, force: true }));

const { it } = specs("world", { demo: true, days: 6, seconds: 120 });

it("opens with a queue that shows every state", async ({ page }) => {
  await viewAs(page, "Approver");
  await page.goto("/queue?view=team");
  const main = page.getByRole("main");
  await main.getByRole("heading", { level: 1 }).waitFor();

  const text = await main.innerText();
  for (const told of ["refund-agent", "loan-prescreen", "claims-triage", "deploy-agent", "content-moderation"]) {
    assert.ok(text.includes(told), `${told} has nothing open`);
  }
  for (const told of ["1 of 2", "2 of 2", "handed up", "time is up", "Paused", "Hand-over for all AI systems"]) {
    assert.ok(text.toLowerCase().includes(told.toLowerCase()), `no row says "${told}"`);
  }
  await wellFormed(page);
  await accessible(page);
});

it("has a past whose log holds and replays to the same resolutions", async ({ server, javaScript }) => {
  const directory = path(place, javaScript ? "first" : "second");
  const exported = await command("export", "--to", directory, "--data", server.data);
  assert.equal(exported.status, 0, exported.output);

  const verified = await command("verify", directory, "--trust", path(directory, "trust-policy.txt"));
  const replayed = await run(PYTHON, [REPLAY, directory]);

  assert.doesNotMatch(verified.output, /^(failed|notice)/m);
  assert.match(verified.output, /^passed +D6 /m);
  assert.match(replayed.stdout, /0 disagreements/);
  for (const outcome of ["approved", "rejected", "open"]) {
    assert.match(replayed.stdout, new RegExp(`${outcome} [1-9]`), replayed.stdout);
  }
});
