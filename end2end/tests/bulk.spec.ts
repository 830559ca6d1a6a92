// Several decisions side by side and one review of them all: what differs, what has to be opened, what became of each.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { command } from "../lib/operator.ts";
import { startReview, viewAs } from "../lib/people.ts";
import { look } from "../lib/pictures.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("bulk", { demo: true, seconds: 120 });

const WHY = "The flights were late, and the sums are those of the list.";
let issued: Promise<string> | undefined;
let proposals = 0;

it("shows what differs, waits for what is unlike the rest, and reviews each by itself", async ({ page, visitor, server, javaScript, another }) => {
  const ids = await proposed(server, [120, 121, 119, 122, 118, 4000]);
  const [taken, odd] = [ids[1] ?? "", ids[5] ?? ""];
  const other = await (await another()).page();
  await viewAs(other, "Senior approver");
  await other.goto(`/decisions/${taken}`);
  await startReview(other);

  await viewAs(page, "Approver");
  await page.goto("/queue?view=team&system=bulk-agent&sort=newest");
  await select(page, ids);
  if (javaScript) await page.getByText("6 selected, at most 50").waitFor();
  await accessible(page);
  await together(page);
  await page.getByRole("heading", { level: 1, name: "Review together" }).waitFor();
  await page.getByText("6 decisions · ", { exact: false }).waitFor();

  // What is unlike the rest stands first, and the form waits until it is opened.
  const first = page.getByRole("row").nth(1);
  await first.getByText("is far from the others", { exact: false }).waitFor();
  await page.getByText("Senior approver A reviews this now.", { exact: false }).waitFor();
  await page.getByText("1 decision is unlike the others. Open it before you rule.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve 6" }).getAttribute("aria-disabled"), "true");
  await wellFormed(page);
  await accessible(page);
  await look(page, "bulk-form");
  if (!javaScript) {
    visitor.expect(/status of 422/);
    await fill(page);
    // It says why it waits, and is sent all the same.
    await page.getByRole("button", { name: "Approve 6" }).click({ force: true });
    await page.getByText("Open what is unlike the others first", { exact: false }).first().waitFor();
    assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), WHY);
    await accessible(page);
  }
  await first.getByRole("link", { name: /^Open before you rule/ }).click();
  const opened = page.locator(`#opened-${odd}`);
  await opened.getByText("The flight was late.").waitFor();
  await page.getByText("is unlike the others. Open it", { exact: false }).waitFor({ state: "detached" });
  await wellFormed(page);
  await accessible(page);

  await fill(page);
  await page.getByRole("button", { name: "Approve 6" }).click();
  await page.waitForURL((url) => /^\/bulk\/[0-9a-f-]{36}$/.test(url.pathname));
  await result(page, "5 applied · 1 conflict");
  const conflict = page.getByRole("row").filter({ has: page.locator(`a[href="/decisions/${taken}"]`) });
  assert.match((await conflict.textContent()) ?? "", /Conflict.*Others review this now.*Senior approver A has it/s);
  assert.equal(await page.getByText("Applied", { exact: true }).count(), 5);
  await wellFormed(page);
  await accessible(page);
  await look(page, "bulk-results");

  // The page can be read again, and each review stands by itself.
  const address = page.url();
  await page.goto(`/decisions/${odd}`);
  await page.locator("#history").getByText(WHY).waitFor();
  await page.goto(address);
  await page.getByText("5 applied · 1 conflict").waitFor();
  await page.getByRole("link", { name: "Look at what is left again" }).click();
  await page.getByText("1 decision · ", { exact: false }).waitFor();
});

it("refuses what does not fit together, and goes on with the rest", async ({ page, server }) => {
  const certificates = await proposed(server, [130, 131]);
  const changes = await change(server);
  await viewAs(page, "Approver");

  await page.goto(`/bulk?ids=${[...certificates, changes].join(",")}`);
  await page.getByText("These cannot be reviewed together as they are.", { exact: false }).waitFor();
  await page.getByText("It asks for another action than most of the others", { exact: false }).waitFor();
  assert.equal(await page.getByLabel("Reason code").count(), 0);
  await wellFormed(page);
  await accessible(page);
  await page.getByRole("link", { name: "Go on with 2 decisions" }).click();
  await page.getByRole("button", { name: "Reject 2" }).waitFor();

  await page.goto("/bulk");
  await page.getByText("Nothing is selected").waitFor();
  await accessible(page);
});

it("is not for admins", async ({ page, visitor, server }) => {
  visitor.expect(/status of 403/);
  const ids = await proposed(server, [140]);
  await viewAs(page, "Admin");

  await page.goto(`/bulk?ids=${ids.join(",")}`);

  await page.getByText("Reviewing several decisions at once needs the role", { exact: false }).or(page.getByText("An admin may not review.", { exact: false })).first().waitFor();
  await accessible(page);
});

it("selects and goes on by keyboard alone", async ({ page, server, javaScript }) => {
  if (!javaScript) return;
  const ids = await proposed(server, [150, 151, 152]);
  await viewAs(page, "Approver");
  await page.goto("/queue?view=team&system=bulk-agent&sort=newest");
  await page.getByText("Live", { exact: true }).waitFor();
  await page.waitForTimeout(350);

  await page.keyboard.press("j");
  await settled(page);
  await page.keyboard.press("x");
  await page.getByText("1 selected, at most 50").waitFor();
  await page.keyboard.press("Shift+J");
  await page.getByText("2 selected, at most 50").waitFor();
  await settled(page);
  await page.keyboard.press("x");
  await page.getByText("1 selected, at most 50").waitFor();
  await page.keyboard.press("x");
  await page.getByText("2 selected, at most 50").waitFor();
  const chosen = await page.locator('input[name="ids"]:checked').evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value));
  assert.deepEqual(chosen, [ids[2], ids[1]]);

  await page.getByRole("button", { name: "Review together" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Review together" }).waitFor();
  await page.getByText("2 decisions · ", { exact: false }).waitFor();
});

it("says on a phone that it takes a wider screen", async ({ page, server }) => {
  const ids = await proposed(server, [160, 161]);
  await viewAs(page, "Approver");
  await page.goto("/queue?view=team&system=bulk-agent");
  assert.equal(await page.locator('input[name="ids"]:visible').count(), 0);
  assert.equal(await page.getByRole("button", { name: "Review together" }).count(), 0);

  await page.goto(`/bulk?ids=${ids.join(",")}`);
  await page.getByText("Use a wider screen to review several at once", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve 2" }).count(), 0);
  await wellFormed(page);
  await accessible(page);
}, { width: 390, height: 844 });

async function select(page: Page, ids: string[]): Promise<void> {
  for (const id of ids) await page.locator(`#choose-${id}`).check();
}

async function together(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Review together" }).click();
}

async function fill(page: Page): Promise<void> {
  await page.getByLabel("Reason code").selectOption("within_policy");
  await page.getByLabel("Reason", { exact: true }).fill(WHY);
}

/** Waits for the end of a run; a page without JavaScript is asked again. */
async function result(page: Page, words: string): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const done = await page.getByText(words).waitFor({ timeout: 1_500 }).then(() => true, () => false);
    if (done) return;
    const again = page.getByRole("link", { name: "Look again" });
    if ((await again.count()) > 0) await again.click();
  }
  assert.fail(`${words} is not what came of it: ${await page.getByRole("main").textContent()}`);
}

/** Waits until the decision beside the list is there: no key acts on one that is being loaded. */
async function settled(page: Page): Promise<void> {
  await page.getByRole("region", { name: "Selected decision" }).getByText("This view was recorded").first().waitFor();
  await page.waitForTimeout(500);
}

/** Has an agent propose certificates over these sums, which one approver may rule on; returns their ids. */
async function proposed(server: Server, amounts: number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const amount of amounts) {
    ids.push(await propose(server, "certificate.send", { user_id: `member ${++proposals}`, amount }));
  }
  return ids;
}

async function change(server: Server): Promise<string> {
  const passengers = [{ first_name: "Ada", last_name: "Lane", dob: "1990-01-01" }];
  return propose(server, "reservation.change_passengers", { reservation_id: `R${++proposals}`, passengers });
}

async function propose(server: Server, type: string, parameters: Record<string, unknown>): Promise<string> {
  issued ??= (async () => {
    await command("system", "register", "bulk-agent", "--data", server.data);
    const made = await command("key", "create", "--system", "bulk-agent", "--data", server.data);
    return made.output.trim().split("\n").at(-1) ?? "";
  })();
  const answer = await fetch(`${server.origin}/api/v1/decisions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await issued}`,
      "content-type": "application/json",
      "idempotency-key": `bulk-${++proposals}`,
    },
    body: JSON.stringify({ mode: "propose", action: { type, parameters }, rationale: "The flight was late." }),
  });
  assert.equal(answer.status, 202);
  return ((await answer.json()) as { id: string }).id;
}
