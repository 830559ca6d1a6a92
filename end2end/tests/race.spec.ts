// Two approvers start, take over and rule on one decision at the same moment: one resolution, and the other keeps their text.
// A few rounds always; with `cargo xtask test --full`, 200 as plain forms and 10 in browsers.
import { strict as assert } from "node:assert";
import { join as path } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { readLeaves } from "../lib/leaves.ts";
import { command, issueKey, propose } from "../lib/operator.ts";
import { invite, join, rule, setUp } from "../lib/people.ts";
import { type Server, startServer } from "../lib/server.ts";

type Verdict = "Approve" | "Reject";

const FULL = process.env.COUNTERSIGN_FULL === "1";
const FORM_ROUNDS = FULL ? 200 : 20;
const BROWSER_ROUNDS = FULL ? 10 : 2;
const RESOLVED = "This decision is resolved.";
const TIME = { timeout: 600_000 };

let server: Server;
let browser: Browser;
let key: string;
let pair: [Visitor, Visitor];
/** What each decision must have come to: the verdict of whoever was told that theirs is recorded. */
const winners = new Map<string, Verdict>();

before(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  const admin = await (await Visitor.arrive(browser, { origin: server.origin })).page();
  await setUp(admin, server.lines, "ada");
  const arrive = async (name: string, login: string) => {
    const visitor = await Visitor.arrive(browser, { origin: server.origin });
    const page = await visitor.page();
    await join(page, await invite(admin, name, login, "Senior approver"));
    await page.close();
    return visitor;
  };
  pair = [await arrive("Approver A", "approver-a"), await arrive("Approver B", "approver-b")];
  key = await issueKey(server.data, "airline-agent");
}, { timeout: 180_000 });

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("race: of two who start at once one has the review, and a take-over that comes first keeps the text of the other", TIME, async (context) => {
  const cookies = await Promise.all(pair.map(cookie));
  const wins = { review: 0, over: 0 };
  for (let round = 0; round < FORM_ROUNDS; round++) {
    const id = await propose(server.origin, key, `form-${round}`);
    const starts = await Promise.all(cookies.map((each) => start(id, each)));
    assert.deepEqual(starts.map((answer) => answer.status).sort(), [303, 409], `round ${round}`);
    const first = starts.findIndex((answer) => answer.status === 303);
    const second = 1 - first;
    const form = await readForm(id, cookies[first]!);
    const lease = form.find(([name]) => name === "lease")?.[1] ?? "";
    const verdicts = verdictsOf(round);

    const [review, over] = await Promise.all([
      post(form, cookies[first]!, verdicts[first]!, text(round, first)),
      send("/act/take-over", cookies[second]!, [["decision", id], ["lease", lease], ["reason", "The shift changed."]]),
    ]);

    assert.deepEqual([review.status, over.status].sort(), [303, 409], `round ${round}`);
    if (review.status === 303) {
      assert.ok((await over.text()).includes(RESOLVED), `round ${round} names the conflict`);
      winners.set(id, verdicts[first]!);
      wins.review += 1;
      continue;
    }
    const page = await review.text();
    assert.match(page, /Approver [AB] took this review over\./, `round ${round} says who has it`);
    assert.ok(page.includes(text(round, first)), `round ${round} keeps the text`);
    const again = await post(await readForm(id, cookies[second]!), cookies[second]!, verdicts[second]!, text(round, second));
    assert.equal(again.status, 303, `round ${round}`);
    winners.set(id, verdicts[second]!);
    wins.over += 1;
  }
  context.diagnostic(`${FORM_ROUNDS} rounds; the review came first ${wins.review} times, the take-over ${wins.over}`);
});

test("race: of two people who click at once one has the review and the other is told", TIME, async () => {
  const pages = await Promise.all(pair.map((visitor) => visitor.page()));
  for (const visitor of pair) visitor.expect(/status of 409/);
  for (let round = 0; round < BROWSER_ROUNDS; round++) {
    const id = await propose(server.origin, key, `click-${round}`);
    const verdicts = verdictsOf(round);
    const buttons = await Promise.all(pages.map((page) => ready(page, id)));

    await Promise.all(pages.map((page, who) => page.mouse.click(buttons[who]!.x, buttons[who]!.y)));

    const told = await Promise.all(pages.map(outcome));
    assert.deepEqual([...told].sort(), ["held", "refused"], `round ${round}`);
    const winner = told.indexOf("held");
    await rule(pages[winner]!, verdicts[winner]!, text(round, winner));
    await pages[winner]!.waitForURL((url) => url.pathname === "/queue");
    winners.set(id, verdicts[winner]!);
  }
  for (const visitor of pair) await visitor.leave();
});

test("race: the ledger holds one review and one resolution of each decision", TIME, async () => {
  const directory = path(server.data, "export");
  const exported = await command("export", "--to", directory, "--data", server.data);
  assert.equal(exported.status, 0, exported.output);
  const verified = await command("verify", directory, "--trust", path(directory, "trust-policy.txt"));
  assert.notEqual(verified.status, 1, verified.output);

  const acts = new Map<string, string[]>();
  for (const bytes of readLeaves(path(directory, "tile/entries"))) {
    const leaf = JSON.parse(bytes.toString()) as { kind: string; obj?: { id: string }; d?: { outcome?: string } };
    if (!leaf.obj || !["decision.reviewed", "decision.resolved"].includes(leaf.kind)) continue;
    const act = leaf.kind === "decision.resolved" ? `resolved ${leaf.d?.outcome}` : "reviewed";
    acts.set(leaf.obj.id, [...(acts.get(leaf.obj.id) ?? []), act]);
  }

  assert.equal(winners.size, FORM_ROUNDS + BROWSER_ROUNDS);
  const expected = [...winners].map(([id, verdict]) => [id, ["reviewed", `resolved ${verdict === "Approve" ? "approved" : "rejected"}`]]);
  assert.deepEqual(Object.fromEntries(acts), Object.fromEntries(expected));
});

/** Every other round they agree, which must not count twice either. */
function verdictsOf(round: number): [Verdict, Verdict] {
  return round % 2 === 0 ? ["Approve", "Reject"] : ["Approve", "Approve"];
}

function text(round: number, who: number): string {
  return `Reasoning of person ${who + 1} in round ${round}.`;
}

/** The session as a `Cookie` header. */
async function cookie(visitor: Visitor): Promise<string> {
  return (await visitor.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
}

/** Reads the hidden fields of the review form as the server draws it. */
async function readForm(id: string, session: string): Promise<[string, string][]> {
  const answer = await fetch(`${server.origin}/decisions/${id}`, { headers: { cookie: session, accept: "text/html" } });
  assert.equal(answer.status, 200);
  const form = /<form[^>]*action="\/act\/review"[^]*?<\/form>/.exec(await answer.text())?.[0];
  assert.ok(form, "the page has the review form");
  const hidden = form.match(/<input[^>]*type="hidden"[^>]*>/g) ?? [];
  return hidden.map((input) => [/name="([^"]*)"/.exec(input)?.[1] ?? "", /value="([^"]*)"/.exec(input)?.[1] ?? ""]);
}

function post(form: [string, string][], session: string, verdict: Verdict, reason: string): Promise<Response> {
  return send("/act/review", session, [...form, ["code", "other"], ["reason", reason], ["verdict", verdict.toLowerCase()]]);
}

function start(id: string, session: string): Promise<Response> {
  return send("/act/start-review", session, [["decision", id]]);
}

/** Posts as a browser without JavaScript does. */
function send(address: string, session: string, body: [string, string][]): Promise<Response> {
  return fetch(`${server.origin}${address}`, {
    method: "POST",
    redirect: "manual",
    headers: { cookie: session, accept: "text/html", origin: server.origin },
    body: new URLSearchParams(body),
  });
}

/** Opens the decision and returns where the button that starts its review is, with everything ready for one click. */
async function ready(page: Page, id: string): Promise<{ x: number; y: number }> {
  await page.goto(`/decisions/${id}`);
  await page.getByText("Live", { exact: true }).waitFor();
  const button = page.getByRole("main").getByRole("button", { name: "Start review" }).first();
  await button.scrollIntoViewIfNeeded();
  const box = await button.boundingBox();
  assert.ok(box, "the button is on screen");
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

async function outcome(page: Page): Promise<"held" | "refused"> {
  const refused = page.getByRole("alert").getByText("Others review this now", { exact: false });
  const held = page.getByText("You have this until").first().waitFor().then(() => "held" as const);
  return Promise.race([held, refused.first().waitFor().then(() => "refused" as const)]);
}
