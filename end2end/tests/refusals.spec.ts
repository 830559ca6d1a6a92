// Every refusal of the approval workflow, provoked by the forms that a person sends and by what an agent asks for: its
// status, its code, and the sentence that is read. What was typed is still there. The rows are printed as a table.
import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { command, keyOf } from "../lib/operator.ts";
import { type Role, startReview, viewAs } from "../lib/people.ts";
import { type Server, startServer } from "../lib/server.ts";

const WHY = "The invoice of the shop says so.";
const TIME = { timeout: 300_000 };
const WORLD_TYPES = new URL("../../server/demo/world-types.json", import.meta.url).pathname;

let server: Server;
let browser: Browser;
let key: string;
let proposals = 0;
let repeats = 0;
const visitors: Visitor[] = [];
const rows: string[] = [];

before(async () => {
  // Refunds over 2000 are refused, over 500 take two approvals that can be taken back for ten minutes, under that one.
  [server, browser] = await Promise.all([startServer({ demo: true, days: 6 }), launchBrowser()]);
  key = await keyOf(server.data, "refusal-agent");
}, { timeout: 180_000 });

after(async () => {
  for (const visitor of visitors) await visitor.context.close();
  await browser?.close();
  await server?.stop();
});

test("refusals: of who owns the AI system", TIME, async () => {
  const page = await person("Senior approver");
  await page.goto(await proposed("110.00"));
  const start = await copied(page, "Start review");
  const admin = await person("Admin");
  await owner(admin, "senior-approver-a");
  await refused(page, "B7: a review by the owner of the AI system", () => send(page, start), [403, "four_eyes", "You own this AI system"]);
  await owner(admin, "");
});

test("refusals: of a review that is incomplete", TIME, async () => {
  const page = await person("Senior approver");
  await page.goto(await proposed("120.00"));
  await startReview(page);

  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await refused(page, "B4: a rejection without a reason code", () => press(page, "Reject"), [422, "invalid_content", "Choose a reason code."]);
  await kept(page);
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill(" ");
  await refused(page, "B4: a rejection without a reason", () => press(page, "Reject"), [422, "invalid_content", "Reason: write something here."]);

  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
  await page.locator("summary", { hasText: "More: come back later" }).click();
  await refused(page, "B3: put off without a time", () => press(page, "Defer"), [422, "invalid_content", "Say when you come back to it."]);
  await kept(page);
});

test("refusals: of edits", TIME, async () => {
  const page = await person("Senior approver");
  await page.goto(`${await proposed("130.00")}/edit`);
  await startReview(page);
  await fill(page);
  await refused(page, "B5: an edit that changes nothing", () => press(page, "Approve with edits"), [
    422, "invalid_content", "Nothing is changed. Approve it as it is, or change a field.",
  ]);
  await kept(page);

  await page.locator('[name="fields[amount]"]').fill("a lot");
  await refused(page, "B5: an edit that the type's schema does not allow", () => press(page, "Approve with edits"), [
    422, "invalid_content", /amount|Refund in euros/,
  ]);
  await kept(page);
  assert.equal(await page.locator('[name="fields[amount]"]').inputValue(), "a lot");
});

test("refusals: of what changed while somebody read", TIME, async () => {
  const page = await person("Senior approver");
  const other = await person("Approver");

  const withdrawn = await proposed("140.00");
  await page.goto(withdrawn);
  await startReview(page);
  await fill(page);
  await withdraw(withdrawn);
  await refused(page, "B3: a verdict that comes too late", () => press(page, "Approve"), [409, "already_resolved", "resolved"]);

  const held = await proposed("150.00");
  await page.goto(held);
  await other.goto(held);
  await startReview(other);
  await refused(page, "B9: a review to start, with every seat taken", () => press(page, "Start review"), [
    409, "invalid_transition", "Others review this now",
  ]);

  await fill(other);
  await page.goto(held);
  await startReview(page);
  await refused(other, "B9: a verdict after somebody else took the review over", () => press(other, "Approve"), [
    409, "lease_lost", /took this review over/,
  ]);
  assert.match(await other.content(), new RegExp(WHY));

  const edited = await proposed("900.00");
  await page.goto(edited);
  await startReview(page);
  await fill(page);
  await other.goto(`${edited}/edit`);
  await startReview(other);
  await fill(other);
  await other.locator('[name="fields[amount]"]').fill("880.00");
  await press(other, "Approve with edits");
  await other.getByText("Your review is recorded.").first().waitFor();
  await refused(page, "B8: a verdict on content that was edited meanwhile", () => press(page, "Approve"), [
    409, "lease_lost", "What you reviewed was changed",
  ]);
  assert.match(await page.content(), new RegExp(WHY));

  // The form of one decision, sent for another one.
  const [one, another] = [await proposed("155.00"), await proposed("156.00")];
  await page.goto(one);
  await startReview(page);
  const shown = (await copied(page, "Approve")).fields.find(([name]) => name === "presentation")?.[1] ?? "";
  await page.goto(another);
  await startReview(page);
  await fill(page);
  const { action, fields } = await copied(page, "Approve");
  const swapped = fields.map(([name, value]): [string, string] => [name, name === "presentation" ? shown : value]);
  await refused(page, "B8: a verdict on what was not shown", () => send(page, { action, fields: [...swapped, ["verdict", "approve"]] }), [
    409, "stale", "Read the decision as it is below, then decide again.",
  ]);
});

test("refusals: of a second voice of one person, and of who proposed or edited", TIME, async () => {
  const page = await person("Senior approver");
  const twice = await proposed("910.00");
  await page.goto(twice);
  const form = await copied(page, "Start review");
  await startReview(page);
  await fill(page);
  await press(page, "Approve");
  await page.getByText("Your review is recorded.").first().waitFor();
  await refused(page, "B6: a second review by the same person", () => send(page, form), [409, "already_reviewed", /one person counts once|already/i]);

  const edited = await proposed("920.00");
  await page.goto(edited);
  const again = await copied(page, "Start review");
  await page.goto(`${edited}/edit`);
  await startReview(page);
  await fill(page);
  await page.locator('[name="fields[amount]"]').fill("890.00");
  await press(page, "Approve with edits");
  await page.getByText("Your review is recorded.").first().waitFor();
  await refused(page, "B7: a review by who edited it", () => send(page, again), [403, "four_eyes", "You edited this proposal"]);
});

test("refusals: of who may not", TIME, async () => {
  const senior = await person("Senior approver");
  const path = await proposed("160.00");
  await senior.goto(path);
  const start = await copied(senior, "Start review");
  const reader = await person("Viewer");
  await reader.goto(path);
  await refused(reader, "F1: a review by somebody without the role", () => send(reader, start), [403, "forbidden", /role/]);

  const denied = await proposed("2400.00");
  await senior.goto(`${denied}/override`);
  await fill(senior);
  const form = await copied(senior, "Override the rule now");
  const approver = await person("Approver");
  await approver.goto(denied);
  await refused(approver, "B15: an override by an approver", () => send(approver, form), [403, "forbidden", "senior approver"]);
});

test("refusals: of taking back what is final or never was", TIME, async () => {
  const page = await person("Senior approver");
  const path = await proposed("930.00");
  await page.goto(path);
  await startReview(page);
  await fill(page);
  await press(page, "Approve");
  await page.getByText("Your review is recorded.").first().waitFor();
  const other = await person("Approver");
  await other.goto(path);
  await startReview(other);
  await fill(other);
  await press(other, "Approve");
  await other.getByText("Your review is recorded.").first().waitFor();
  await other.goto(path);
  await server.later(11);
  await ask("GET", `${id(path)}?wait_seconds=20`);
  await refused(other, "B16: a review to take back, after the time for it", () => press(other, "Take it back"), [
    409, "invalid_transition", "It is resolved, so this review can no longer be taken back.",
  ]);
});

test("refusals: of revocations", TIME, async () => {
  const page = await person("Senior approver");
  const path = await approved(page, "170.00");
  await page.goto(`${path}/revoke`);
  await refused(page, "B17: a revocation without a reason", () => press(page, "Revoke the approval now"), [
    422, "invalid_content", "Choose a reason code.",
  ]);
  await fill(page);
  const form = await copied(page, "Revoke the approval now");
  await press(page, "Revoke the approval now");
  await page.getByRole("heading", { level: 1, name: "Approval revoked" }).waitFor();
  await refused(page, "B17: a second revocation", () => send(page, form), [409, "invalid_transition", "revoked already"]);

  const rejected = await proposed("2500.00");
  const never = form.fields.map(([name, value]): [string, string] => [name, name === "decision" ? id(rejected) : value]);
  await refused(page, "B17: a revocation of what was never approved", () => send(page, { ...form, fields: never }), [
    409, "invalid_transition", "never approved",
  ]);
});

test("refusals: of what no second look could stop", TIME, async () => {
  const page = await person("Senior approver");
  await page.goto(`${await proposed("2550.00")}/override`);
  await fill(page);
  const form = await copied(page, "Override the rule now");
  await refundsAre(2, "irreversible");
  const forever = await proposed("2560.00");
  await refundsAre(3, "compensable");
  await page.goto(`${forever}/override`);
  assert.equal(await page.getByRole("button", { name: "Override the rule now" }).count(), 0);
  const swapped = form.fields.map(([name, value]): [string, string] => [name, name === "decision" ? id(forever) : value]);
  await refused(page, "B15: an override of what cannot be undone", () => send(page, { ...form, fields: swapped }), [
    403, "guard_absolute", "guard_irreversible",
  ]);
});

test("refusals: of overrides and their second look", TIME, async () => {
  const page = await person("Senior approver");
  const path = await proposed("2600.00");
  await page.goto(`${path}/override`);
  await refused(page, "B15: an override without a reason", () => press(page, "Override the rule now"), [
    422, "invalid_content", "Choose a reason code.",
  ]);
  await fill(page);
  const form = await copied(page, "Override the rule now");
  await press(page, "Override the rule now");
  await page.getByRole("heading", { level: 1, name: "Rule overridden" }).waitFor();
  await refused(page, "B15: a second override", () => send(page, form), [409, "invalid_transition", "released already"]);

  await page.goto(path);
  await page.locator("#history").getByRole("link", { name: "Override", exact: true }).click();
  const act = new URL(page.url()).searchParams.get("act") ?? "";
  const look = { action: "/act/give-post-review", fields: [["act", act], ["result", "upheld"], ["reason", WHY]] as [string, string][] };
  await refused(page, "R8: a second look at one's own override", () => send(page, look), [403, "four_eyes", "somebody else"]);
  const officer = await person("Compliance officer");
  await officer.goto(`/post-reviews?act=${act}`);
  await refused(officer, "R8: a second look that says nothing", () => press(officer, "Record it"), [
    422, "invalid_content", "Say whether you uphold it.",
  ]);

  // Nobody looked for 72 hours.
  const next = await proposed("2700.00");
  await server.later(73 * 60);
  await viewAs(page, "Senior approver");
  await page.goto(`${next}/override`);
  const overdue = { action: form.action, fields: await overrideFields(page, form, next) };
  await refused(page, "B15: an override while a second look is overdue", () => send(page, overdue), [
    403, "post_review_overdue", /look/,
  ]);
});

test("refusals: of pauses", TIME, async () => {
  const page = await person("Senior approver");
  await page.goto(await proposed("180.00"));
  await page.getByRole("link", { name: "Pause this AI system" }).click();
  await refused(page, "B18: a pause without a reason", () => press(page, "Pause now"), [422, "invalid_content", /reason/i]);
  await page.getByLabel("Reason").fill(WHY);
  const pause = await copied(page, "Pause now");
  await press(page, "Pause now");
  await page.getByRole("button", { name: "Resume now" }).waitFor();
  await refused(page, "B18: a second pause", () => send(page, pause), [409, /system_paused|invalid_transition/, /paused/]);

  const admin = await person("Admin");
  await admin.goto("/admin/systems");
  await admin.getByRole("link", { name: "Resume refusal-agent" }).click();
  await admin.getByLabel("Reason").fill(WHY);
  const resume = await copied(admin, "Resume now");
  await refused(page, "B18: a resumption by who paused it", () => send(page, resume), [403, "four_eyes", "somebody else"]);

  const during = (await ask("POST", "", body("190.00"))).answer;
  const senior = await person("Senior approver");
  await senior.goto(`/decisions/${during.id}/override`);
  assert.equal(await senior.getByRole("button", { name: "Override the rule now" }).count(), 0, "what a pause rejected is not overridden");

  await press(admin, "Resume now");
  await admin.getByRole("button", { name: "Pause now" }).waitFor();
  await refused(admin, "B18: a second resumption", () => send(admin, resume), [409, "invalid_transition", "This AI system is not paused."]);
});

test("refusals: of talk", TIME, async () => {
  const page = await person("Approver");
  await page.goto(await proposed("200.00"));
  await page.getByLabel("Comment", { exact: true }).fill("@nobody-here: is it so?");
  await refused(page, "B19: a comment that names somebody unknown", () => press(page, "Comment"), [
    422, "invalid_content", /nobody-here/,
  ]);
  assert.match(await page.content(), /@nobody-here: is it so\?/);
});

test("refusals: of what an agent asks for", TIME, async () => {
  const open = id(await proposed("210.00"));
  await told("A2: a type that nobody defined", "POST", "", { ...body("1.00"), action: { type: "no.such", parameters: {} } }, [422, "unknown_type"]);
  await told("A3: parameters outside the schema", "POST", "", body("a lot"), [422, "invalid_content"]);
  await told("B3: a revision that nobody asked for", "POST", `${open}/revisions`, revision("215.00"), [409, "invalid_transition"]);
  await withdraw(`/decisions/${open}`);
  await told("B8: a revision of what is resolved", "POST", `${open}/revisions`, revision("220.00"), [409, "invalid_transition"]);

  const first = await ask("POST", "", body("230.00"), "reused-key");
  assert.equal(first.status, 202);
  await told("A9: a key that was used for other content", "POST", "", body("240.00"), [422, "idempotency_key_reused"], "reused-key");
  const stranger = await keyOf(server.data, "other-agent");
  await told("A3: the decision of another system", "GET", first.answer.id ?? "", undefined, [404, "not_found"], undefined, stranger);
});

test("refusals: the table", (context) => {
  assert.ok(rows.length >= 30, `${rows.length} rows`);
  context.diagnostic(`\n| provoked | by | status | code | what is read |\n|---|---|---|---|---|\n${rows.join("\n")}`);
});

type Expected = [status: number, code: string | RegExp, text: string | RegExp];

interface Form {
  action: string;
  fields: [string, string][];
}

/** A person of the demo, with scripts off, so that every form reaches the server as it stands. */
async function person(role: Role): Promise<Page> {
  const visitor = await Visitor.arrive(browser, { origin: server.origin, javaScript: false });
  visitors.push(visitor);
  const page = await visitor.page();
  await viewAs(page, role);
  return page;
}

async function fill(page: Page): Promise<void> {
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
}

async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("main").getByRole("button", { name, exact: true }).first().click();
}

async function kept(page: Page): Promise<void> {
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), WHY, "what was typed is kept");
}

/** Holds an act to its refusal, which the page says where its reader looks first. */
async function refused(page: Page, what: string, act: () => Promise<void>, [status, code, text]: Expected): Promise<void> {
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await act();
  const answer = await answered;
  await page.waitForLoadState();
  const given = answer.headers()["countersign-refusal"] ?? "";
  const shown = page.getByRole("main").getByRole("alert").filter({ hasText: text }).first();
  await shown.waitFor({ timeout: 3_000 }).catch(async () => {
    assert.fail(`${what}: ${answer.status()} ${given}, and the page says: ${await page.getByRole("main").innerText()}`);
  });
  assert.equal(answer.status(), status, `${what}: ${given}`);
  assert.match(given, typeof code === "string" ? new RegExp(`^${code}$`) : code, what);
  row(what, "form", status, given, (await shown.innerText()).replace("Nothing was changed.", "").trim());
}

function row(what: string, by: string, status: number, code: string, text: string): void {
  rows.push(`| ${what} | ${by} | ${status} | \`${code}\` | ${text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|")} |`);
}

/** What the form with this button would send, to send it again later. */
async function copied(page: Page, button: string): Promise<Form> {
  return page.getByRole("main").getByRole("button", { name: button, exact: true }).first().evaluate((pressed) => {
    const form = (pressed as HTMLButtonElement).form as HTMLFormElement;
    const fields = [...new FormData(form)].map(([name, value]): [string, string] => [name, String(value)]);
    return { action: form.getAttribute("action") ?? "", fields };
  });
}

/** Sends a form from the page that is open, as a browser does. */
async function send(page: Page, form: Form): Promise<void> {
  await page.evaluate(({ action, fields }) => {
    const made = document.createElement("form");
    made.method = "post";
    made.action = action;
    for (const [name, value] of fields) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      made.append(input);
    }
    document.body.append(made);
    made.submit();
  }, form);
}

/** The fields of an override of another decision, as far as its page shows them. */
async function overrideFields(page: Page, form: Form, path: string): Promise<[string, string][]> {
  const shown = await page.evaluate(() => Object.fromEntries(
    [...document.querySelectorAll<HTMLInputElement>('form[action="/act/override"] input[type=hidden]')].map((input) => [input.name, input.value]),
  ));
  return form.fields.map(([name, value]) => [name, shown[name] ?? (name === "decision" ? id(path) : value)]);
}

/** Names who owns the AI system, or nobody. */
async function owner(admin: Page, login: string): Promise<void> {
  await admin.goto("/admin/systems");
  await admin.getByRole("link", { name: "Change the owner of refusal-agent" }).click();
  await admin.getByLabel("Sign-in name of the owner").fill(login);
  await admin.getByLabel("Reason").fill(WHY);
  await press(admin, "Name the owner");
  const system = admin.getByRole("main").getByRole("region", { name: "refusal-agent" });
  await system.getByText(login ? "Senior approver A" : "Nobody owns it").first().waitFor();
}

function id(path: string): string {
  return path.slice("/decisions/".length);
}

function body(amount: string) {
  return {
    mode: "propose",
    action: {
      type: "refund.issue",
      parameters: { order: `O-${++proposals}`, item: "camera", cause: "arrived broken", amount, days_since_delivery: 3 },
    },
    rationale: "The customer asks for it.",
    subjects: [{ ref: "customer 7", kind: "person" }],
    impact: { effects: ["financial"], adverse: false, affected: 1 },
  };
}

function revision(amount: string) {
  const { action, rationale } = body(amount);
  return { mode: "propose", action, rationale };
}

/** Defines the demo's refunds anew, as a version that can be undone or not. */
async function refundsAre(version: number, reversibility: string): Promise<void> {
  const known = JSON.parse(await readFile(WORLD_TYPES, "utf8")) as { name: string }[];
  const refunds = known.filter(({ name }) => name === "refund.issue").map((type) => ({ ...type, version, reversibility }));
  const place = await mkdtemp(join(tmpdir(), "refusals-"));
  const file = join(place, "types.json");
  await writeFile(file, JSON.stringify(refunds));
  const defined = await command("type", "define", file, "--data", server.data);
  await rm(place, { recursive: true });
  assert.equal(defined.status, 0, defined.output);
}

/** Has the agent propose a refund; returns the path of the decision. */
async function proposed(amount: string): Promise<string> {
  const { status, answer } = await ask("POST", "", body(amount));
  assert.ok(status < 300, JSON.stringify(answer));
  return `/decisions/${answer.id}`;
}

async function withdraw(path: string): Promise<void> {
  const { status } = await ask("POST", `${id(path)}/withdraw`, { reason_code: "no_longer_needed" });
  assert.equal(status, 200);
}

async function approved(page: Page, amount: string): Promise<string> {
  const path = await proposed(amount);
  await page.goto(path);
  await startReview(page);
  await fill(page);
  await press(page, "Approve");
  await page.getByText("Your review is recorded.").first().waitFor();
  const { answer } = await ask("GET", `${id(path)}?wait_seconds=20`);
  assert.equal(answer.resolution?.outcome, "approved");
  return path;
}

interface Told {
  id?: string;
  code?: string;
  detail?: string;
  resolution?: { outcome: string };
}

/** Asks the API as the agent does. */
async function ask(method: string, path: string, sent?: object, repeat?: string, bearer = key): Promise<{ status: number; answer: Told }> {
  const headers: Record<string, string> = { authorization: `Bearer ${bearer}` };
  if (sent) Object.assign(headers, { "content-type": "application/json", "idempotency-key": repeat ?? `refusals-${++repeats}` });
  const address = `${server.origin}/api/v1/decisions${path && `/${path}`}`;
  const answer = await fetch(address, { method, headers, body: sent ? JSON.stringify(sent) : null });
  return { status: answer.status, answer: (await answer.json()) as Told };
}

async function told(what: string, method: string, path: string, sent: object | undefined, [status, code]: [number, string], repeat?: string, bearer?: string): Promise<void> {
  const { status: given, answer } = await ask(method, path, sent, repeat, bearer);
  assert.deepEqual([given, answer.code], [status, code], `${what}: ${JSON.stringify(answer)}`);
  row(what, "REST", status, code, answer.detail ?? "");
}
