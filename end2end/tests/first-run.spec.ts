// From an empty installation to the first decided proposal, hostile text included.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { issueKey } from "../lib/operator.ts";
import { invite, join, openFirst, rule, setUp, signIn } from "../lib/people.ts";
import { type Scene, specs } from "../lib/spec.ts";

const { it } = specs("first run");
const HOSTILE = "</textarea></title><script>window.broken = true</script> \u202e001\u202c <b>bold</b>";

it("sets up, invites, registers, proposes and decides", async ({ page, visitor, server, javaScript, another }) => {
  // The browser's own line about a set-up link that has ended.
  visitor.expect(/status of 410/);
  const admin = javaScript ? "ada" : "ben";
  await enter(page, server.lines, admin);
  const link = await invite(page, `Approver of ${admin}`, `approver-${admin}`, "Senior approver");
  const invited = await (await another()).page();
  await join(invited, link);

  const key = await issueKey(server.data, `agent-${admin}`);
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

/** Becomes the first admin by the printed link; the second time around the link has ended and Ada signs in. */
async function enter(page: Page, lines: readonly string[], login: string): Promise<void> {
  if (login === "ada") return setUp(page, lines, login);
  const printed = lines.map((line) => /(http\S+\/setup\?token=\S+)/.exec(line)?.[1]).filter(Boolean).at(-1);
  await page.goto(printed ?? "");
  assert.match((await page.getByRole("main").textContent()) ?? "", /set-up is over/);
  await signIn(page, "ada");
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
