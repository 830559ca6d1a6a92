// One decision from its proposal to a proof in a stranger's browser, as pictures for people to look at:
// COUNTERSIGN_SHOTS names the directory that they go to.
import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync } from "node:fs";
import { join as path } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { issueKey, propose } from "../lib/operator.ts";
import { startReview, viewAs } from "../lib/people.ts";
import { type Server, startServer } from "../lib/server.ts";

const SHOTS = process.env.COUNTERSIGN_SHOTS;
const LOOKS = [["light", 1440], ["dark", 1440], ["light", 390], ["dark", 390]] as const;

test("journey: pictures of one decision from proposal to proof", {
  skip: SHOTS ? false : "COUNTERSIGN_SHOTS names no directory",
  timeout: 600_000,
}, async () => {
  assert.ok(SHOTS);
  mkdirSync(SHOTS, { recursive: true });
  const server = await startServer({ demo: true });
  const browser = await launchBrowser();
  try {
    const key = await issueKey(server.data, "journey-agent");
    for (const [theme, width] of LOOKS) {
      const visitor = await Visitor.arrive(browser, { origin: server.origin, theme, width, height: width === 390 ? 844 : 900 });
      const page = await visitor.page();
      await journey(server, key, page, `${theme}-${width}`);
      await visitor.leave();
    }
  } finally {
    await browser.close();
    await server.stop();
  }
});

async function journey(server: Server, key: string, page: Page, look: string): Promise<void> {
  let number = 0;
  const shoot = async (name: string) => {
    number += 1;
    await page.screenshot({ path: path(SHOTS ?? "", `${look}-${number}-${name}.png`), fullPage: true });
  };
  const main = page.getByRole("main");

  const id = await propose(server.origin, key, `JOURNEY-${look}`);
  await viewAs(page, "Senior approver");
  await page.goto("/queue");
  await shoot("queue");

  await page.goto(`/decisions/${id}`);
  await page.getByText("Live", { exact: true }).waitFor({ state: "attached" });
  await shoot("decision");
  await startReview(page);
  await page.getByLabel("Reason code").selectOption("within_policy");
  await page.getByLabel("Reason", { exact: true }).fill("The fare is refundable, and the customer asked in time.");
  await shoot("review");
  await main.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Your review is recorded.").first().waitFor();
  await shoot("recorded");

  await page.goto(`/decisions/${id}`);
  await main.getByText("The fare is refundable").waitFor();
  await shoot("receipt");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    main.getByRole("link", { name: "Download proof" }).click(),
  ]);
  const proof = readFileSync(await download.path(), "utf8");
  const index = /\nindex (\d+)\n/.exec(proof)?.[1];

  await viewAs(page, "Auditor");
  await page.goto("/ledger");
  await shoot("ledger");
  await page.goto(`/ledger/${index}`);
  await main.getByRole("heading", { name: `Entry #${index}` }).waitFor();
  await shoot("entry");

  await page.goto("/verify");
  await page.getByText(/^SHA-256 of /).waitFor();
  await shoot("verify");
  await page.getByLabel("Proof file").setInputFiles({ name: "decision.tlog-proof", mimeType: "text/plain", buffer: Buffer.from(proof) });
  await main.getByText("✓ passed").first().waitFor();
  await shoot("verified");
  const broken = proof.replace(/\nindex \d+\n/, `\nindex ${Number(index) - 1}\n`);
  await page.getByLabel("Proof file").setInputFiles({ name: "broken.tlog-proof", mimeType: "text/plain", buffer: Buffer.from(broken) });
  await main.getByText("✕ failed").first().waitFor();
  await shoot("broken");
}
