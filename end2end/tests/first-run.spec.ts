// From an empty installation to the first decided proposal, hostile text included.
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { openFirst, rule } from "../lib/people.ts";
import { type Scene, specs } from "../lib/spec.ts";

const run = promisify(execFile);
const { it } = specs("first run");
const PASSWORD = "a long enough phrase";
const HOSTILE = "</textarea></title><script>window.broken = true</script> \u202e001\u202c <b>bold</b>";

it("sets up, invites, registers, proposes and decides", async ({ page, visitor, server, javaScript, another }) => {
  // The browser's own line about a set-up link that has ended.
  visitor.expect(/status of 410/);
  const admin = javaScript ? "ada" : "ben";
  await enter(page, server, admin);

  await page.goto("/admin/people");
  await page.getByLabel("Name", { exact: true }).fill(`Approver of ${admin}`);
  await page.getByLabel("Sign-in name").fill(`approver-${admin}`);
  await page.getByRole("radio", { name: /^Approver/ }).check();
  await page.getByRole("button", { name: "Invite a person" }).click();
  const link = await linkOn(page);

  const invited = await (await another()).page();
  await invited.goto(link);
  await invited.getByLabel("Password").fill(PASSWORD);
  await invited.getByRole("button", { name: "Set password and sign in" }).click();
  await invited.waitForURL((url) => url.pathname === "/queue");

  const key = await countersign(server, `agent-${admin}`);
  const id = await propose(server, key, HOSTILE);
  await openFirst(invited);
  assert.match(invited.url(), new RegExp(id));
  const text = (await invited.getByRole("main").textContent()) ?? "";
  assert.ok(text.includes("</textarea></title><script>window.broken = true</script>"), "the text is shown as it is");
  assert.ok(text.includes("U+202E"), "the direction override is marked");
  assert.equal(await invited.locator("b").filter({ hasText: "bold" }).count(), 0);

  await rule(invited, "Reject", HOSTILE);
  await invited.getByText("Your review is recorded.").first().waitFor();
  const answer = await fetch(`${server.origin}/api/v1/decisions/${id}?wait_seconds=5`, {
    headers: { authorization: `Bearer ${key}` },
  });
  assert.equal(((await answer.json()) as { resolution: { outcome: string } }).resolution.outcome, "rejected");
  await invited.goto(`/decisions/${id}`);
  assert.ok(((await invited.getByRole("main").textContent()) ?? "").includes("window.broken = true"));
});

/** Becomes the first admin by the printed link; the second time around signs in. */
async function enter(page: Page, server: Scene["server"], login: string): Promise<void> {
  const printed = server.lines.map((line) => /(http\S+\/setup\?token=\S+)/.exec(line)?.[1]).filter(Boolean).at(-1);
  assert.ok(printed, "the server printed a set-up link");
  await page.goto(printed);
  if (login === "ada") {
    await page.getByLabel("Your name").fill("Ada");
    await page.getByLabel("Sign-in name").fill(login);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Finish set-up" }).click();
  } else {
    assert.match((await page.getByRole("main").textContent()) ?? "", /set-up is over/);
    await page.goto("/login");
    await page.getByLabel("Sign-in name").fill("ada");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  }
  await page.waitForURL((url) => url.pathname === "/admin/people");
}

async function linkOn(page: Page): Promise<string> {
  await page.getByText(/\/join\?token=/).first().waitFor();
  const found = /http\S+\/join\?token=[A-Za-z0-9_-]+/.exec(await page.content());
  assert.ok(found, "the one-time link is shown");
  return found[0];
}

/** Registers a system and a type at the command line and returns a key. */
async function countersign(server: Scene["server"], system: string): Promise<string> {
  const program = process.env.COUNTERSIGN_SERVER ?? "";
  const types = new URL("../../server/demo/airline-types.json", import.meta.url).pathname;
  await run(program, ["system", "register", system, "--data", server.data]);
  await run(program, ["type", "define", types, "--data", server.data]);
  const { stdout } = await run(program, ["key", "create", "--system", system, "--data", server.data]);
  return stdout.trim().split("\n").at(-1) ?? "";
}

async function propose(server: Scene["server"], key: string, text: string): Promise<string> {
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": "first" },
    body: JSON.stringify({
      mode: "propose",
      action: { type: "reservation.cancel", parameters: { reservation_id: text } },
      rationale: text,
      context: { steps: [{ role: "user", text }], documents: [{ name: text, text }] },
    }),
  });
  assert.equal(answer.status, 202, await answer.clone().text());
  return ((await answer.json()) as { id: string }).id;
}
