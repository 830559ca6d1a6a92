// Who answers for a decision, as a page and as a file: every link in its place, those that are missing too.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { keyOf, propose, report } from "../lib/operator.ts";
import { rule, viewAs } from "../lib/people.ts";
import { look, picture } from "../lib/pictures.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const REVIEW = 3;
const HEADINGS = [
  "Key of the AI system",
  "Owner of the AI system",
  "Policy",
  "Review",
  "Resolution",
  "Answer told",
  "Outcome",
];

// A review is final at once.
const { it } = specs("chain", { demo: true, args: ["--retract-seconds", "0,0,0"] });

let issued: Promise<string> | undefined;
let proposals = 0;

it("shows every link of a decision from its key to its outcome", async ({ page, server }) => {
  const { id, address } = await approved(page, server);
  await tell(server, id);

  await page.goto(address);
  await page.locator("#history").getByRole("link", { name: "Who answers for it" }).click();
  await page.getByRole("heading", { level: 1, name: "Accountability chain" }).waitFor();

  const cards = page.getByRole("list", { name: "Accountability chain" }).locator("> li");
  assert.deepEqual(await headings(page), HEADINGS.with(REVIEW, "Review by Senior approver A"));
  await page.getByText("Missing in this chain: Owner of the AI system, Policy.").waitFor();
  assert.match(await text(page, 0), /On record.*The operator, on the command line, made key.*spec-agent.*proposed it by that key.*Right:/s);
  assert.match(await text(page, 1), /Missing.*Nobody owned spec-agent.*What to do:/s);
  assert.match(await text(page, 2), /Missing.*which asks people\..*No author is recorded.*What to do:.*put version 1 in force/s);
  assert.match(await text(page, 3), /On record.*Senior approver A approved it.*Authority at that time.*Senior approver on every AI system/s);
  assert.match(await text(page, 4), /Approved by people: 1 review decided\..*Countersign counted 1 review and resolved it/s);
  assert.match(await text(page, 5), /spec-agent was told: approved/);
  assert.match(await text(page, 6), /reported: executed, in full/);
  await wellFormed(page);
  await accessible(page);
  await look(page, "chain-told");

  const seal = cards.nth(3).getByRole("link", { name: /^Sealed #\d+$/ }).first();
  const index = /#(\d+)/.exec((await seal.textContent()) ?? "")?.[1];
  await seal.click();
  await page.waitForURL((url) => url.pathname === `/ledger/${index}`);
});

it("gives the same links as a file, and puts both on record", async ({ page, server }) => {
  const { id, address } = await approved(page, server);
  await page.goto(`${address}/chain`);
  const shown = await headings(page);

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download as JSON" }).click(),
  ]);
  const file = JSON.parse(readFileSync(await download.path(), "utf8")) as Chain;

  assert.match(download.suggestedFilename(), /^decision-\w+-chain\.json$/);
  assert.deepEqual([file.format, file.decision], ["countersign/accountability-chain/v1", id]);
  assert.equal(file.links.length, shown.length);
  assert.deepEqual(file.links.map((link) => link.kind), [
    "agent_key",
    "owner",
    "policy",
    "review",
    "resolution",
    "release",
    "outcome",
  ]);
  const [, owner, , review, , release] = file.links;
  assert.deepEqual([owner?.standing, owner?.lacks?.gap], ["missing", "no_owner"]);
  assert.deepEqual([release?.standing, release?.lacks?.gap], ["missing", "not_told"]);
  const [act] = review?.acts ?? [];
  assert.deepEqual(act?.who, { kind: "person", name: "Senior approver A", erased: false });
  assert.match(act?.at ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(act?.seal.path, `/ledger/${act?.seal.index}`);

  await page.goto(address);
  const history = (await page.locator("#history").textContent()) ?? "";
  assert.match(history, /Downloaded/);
});

it("keeps the place of what an open decision does not have yet", async ({ page, server }) => {
  const { address } = await proposed(server);
  await viewAs(page, "Auditor");
  await page.goto(`${address}/chain`);

  await page.getByText("Not there yet: Review, Resolution, Answer told, Outcome.", { exact: false }).waitFor();
  assert.deepEqual(await headings(page), HEADINGS);
  assert.match(await text(page, 3), /Not yet.*Nobody has reviewed it so far/s);
  await wellFormed(page);
  await accessible(page);
  await look(page, "chain-open");
});

it("fits a phone and is readable in the dark", async ({ page, server }) => {
  const { address } = await approved(page, server);
  await page.goto(`${address}/chain`);

  await page.getByRole("heading", { level: 1, name: "Accountability chain" }).waitFor();
  await wellFormed(page);
  await accessible(page);
}, { width: 390, height: 844, theme: "dark" });

it("prints every card and none of what only screens need", async ({ page, server }) => {
  const { address } = await approved(page, server);
  await page.goto(`${address}/chain`);
  await page.emulateMedia({ media: "print" });

  assert.equal(await page.locator("main ol > li").filter({ visible: true }).count(), HEADINGS.length);
  assert.equal(await page.getByRole("link", { name: "Download as JSON" }).isVisible(), false);
  assert.equal(await page.getByRole("link", { name: "Back to the decision" }).isVisible(), false);
  await picture(page, "chain-print");
});

it("tells nobody of a decision that they may not read", async ({ page, server, visitor }) => {
  visitor.expect(/status of 404/);
  const { address } = await proposed(server);
  await viewAs(page, "Admin");

  const answer = await page.goto(`${address}/chain`);
  const file = await page.request.get(`${server.origin}${address}/chain.json`);

  assert.deepEqual([answer?.status(), file.status()], [404, 404]);
  await page.getByRole("heading", { level: 1, name: "Not found" }).waitFor();
});

interface Chain {
  format: string;
  decision: string;
  links: {
    kind: string;
    standing: string;
    lacks: { gap: string } | null;
    acts: { who: unknown; at: string; seal: { index: number; path: string } }[];
  }[];
}

/** The headings of the cards, in order. */
async function headings(page: Page): Promise<string[]> {
  const found = await page.locator("main ol h2").allTextContents();
  return found.map((text) => text.trim().replace(/\s+/g, " "));
}

/** The text of a card, by its place. */
async function text(page: Page, place: number): Promise<string> {
  return (await page.locator("main ol > li").nth(place).textContent()) ?? "";
}

/** Has an agent propose something that nothing else is equal to. */
async function proposed(server: Server): Promise<{ id: string; address: string }> {
  const id = await propose(server.origin, await key(server), `C${++proposals}`);
  return { id, address: `/decisions/${id}` };
}

/** A proposal that a senior approver approves, sealed; the agent has not asked yet. */
async function approved(page: Page, server: Server): Promise<{ id: string; address: string }> {
  const made = await proposed(server);
  await viewAs(page, "Senior approver");
  await page.goto(made.address);
  await rule(page, "Approve", "The customer confirmed, and the policy allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  for (let tries = 0; tries < 100; tries++) {
    await page.goto(`${made.address}/chain`);
    const card = await text(page, 4);
    if (/Approved by people/.test(card) && /Sealed #/.test(card)) return made;
    await page.waitForTimeout(300);
  }
  assert.fail("it was not resolved");
}

/** Asks for the answer as the agent does, and reports what became of it. */
async function tell(server: Server, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${await key(server)}` };
  const told = await fetch(`${server.origin}/api/v1/decisions/${id}`, { headers });
  assert.ok(told.ok, await told.text());
  await report(server.origin, await key(server), id, "executed");
}

/** A key of a system of the specs' own: the demo knows the types already. */
function key(server: Server): Promise<string> {
  issued ??= keyOf(server.data, "spec-agent");
  return issued;
}
