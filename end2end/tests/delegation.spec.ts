// Reviewing in somebody's place: given for a time, used under both names, ended by either; and being away.
import { strict as assert } from "node:assert";
import { accessible, wellFormed } from "../lib/checks.ts";
import { keyOf, propose } from "../lib/operator.ts";
import { rule, startReview, viewAs } from "../lib/people.ts";
import { look } from "../lib/pictures.ts";
import type { Server } from "../lib/server.ts";
import { specs } from "../lib/spec.ts";

// A review is final at once.
const { it } = specs("delegation", { demo: true, args: ["--retract-seconds", "0,0,0"] });

let issued: Promise<string> | undefined;
let proposals = 0;

it("is given, used under both names, and ended by either", async ({ page, visitor, server, another }) => {
  await viewAs(page, "Senior approver");
  await page.goto("/me");
  await page.getByRole("heading", { name: "In somebody's place" }).waitFor();
  await wellFormed(page);
  await accessible(page);

  // Without a colleague or a last day nothing is given, and what was typed stays.
  visitor.expect(/status of 422/);
  await page.getByLabel("Highest amount").fill("5000");
  await page.getByRole("button", { name: "Let them review for me" }).click();
  await page.getByText("Choose a colleague from the list", { exact: false }).first().waitFor();
  assert.equal(await page.getByLabel("Highest amount").inputValue(), "5000");
  await page.getByLabel("Colleague").selectOption({ label: "Approver A" });
  await page.locator("#until").fill(day(-3));
  await page.getByRole("button", { name: "Let them review for me" }).click();
  await page.getByText("This is over already.", { exact: false }).first().waitFor();
  await accessible(page);
  await page.getByLabel("Colleague").selectOption({ label: "Approver A" });
  await page.getByLabel("Highest amount").fill("");
  await page.locator("#until").fill(day(7));
  await page.getByRole("button", { name: "Let them review for me" }).click();
  const mine = page.getByRole("listitem").filter({ hasText: "Approver A for Senior approver A" });
  await mine.getByText("Runs", { exact: true }).first().waitFor();
  await wellFormed(page);
  await accessible(page);
  await look(page, "delegation-given");

  // Who has it sees it, is asked in whose right, and counts in the place of the other.
  const other = await another();
  const second = await other.page();
  await viewAs(second, "Approver");
  await second.goto("/me");
  await second.getByText("Approver A for Senior approver A").first().waitFor();
  const address = await proposed(server);
  await second.goto(address);
  await startReview(second);
  await second.getByRole("radio", { name: "In my own right" }).waitFor();
  assert.ok(await second.getByRole("radio", { name: "In my own right" }).isChecked(), "own right first");
  await wellFormed(second);
  await accessible(second);
  await second.getByRole("radio", { name: "In the place of Senior approver A" }).check();
  await look(second, "delegation-form");
  await rule(second, "Approve", "The customer confirmed, and she is away.");
  await second.getByText("Your review is recorded.").first().waitFor();
  await second.goto(address);
  await second.locator("#history").getByText("Approver A for Senior approver A").locator("visible=true").first().waitFor();
  await wellFormed(second);
  await accessible(second);
  await second.goto(`${address}/chain`);
  await second.getByText("Approver A acted in the place of Senior approver A", { exact: false }).waitFor();
  await accessible(second);
  await second.goto("/me");
  await second.getByText("for Senior approver A").first().waitFor();

  // An admin reads it, and ends nothing.
  const admin = await (await another()).page();
  await viewAs(admin, "Admin");
  await admin.goto("/admin/people");
  await admin.getByRole("heading", { name: "In whose place, and who is away" }).waitFor();
  await admin.getByText("Approver A for Senior approver A").first().waitFor();
  assert.equal(await admin.getByRole("button", { name: /End now/ }).count(), 0);
  await accessible(admin);

  const end = second.getByRole("button", { name: "End now: Approver A for Senior approver A" });
  await end.click();
  await end.waitFor({ state: "detached" });
  await second.getByText("Ended early", { exact: true }).first().waitFor();
  await accessible(second);
});

it("says that somebody is away and to whom their turns go, until they are back", async ({ page, server }) => {
  await viewAs(page, "Senior approver");
  const address = await proposed(server);
  await page.goto("/me");
  await page.locator("#away_until").fill(day(3));
  await page.getByRole("button", { name: "I am away then" }).click();
  await page.getByRole("button", { name: "I am back" }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await look(page, "absence");

  await page.goto("/queue");
  await page.getByText("You are away until", { exact: false }).first().waitFor();
  await accessible(page);
  await page.goto(address);
  await page.locator("#review").getByText("You are away until", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Start review" }).count(), 0);

  await page.goto("/me");
  await page.getByRole("button", { name: "I am back" }).click();
  await page.getByRole("button", { name: "I am back" }).waitFor({ state: "detached" });
  await page.goto(address);
  await page.getByRole("button", { name: "Start review" }).first().waitFor();
});

it("fits a narrow screen", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await viewAs(page, "Approver");
  await page.goto("/me");
  await page.getByRole("heading", { name: "Let a colleague review in your place" }).waitFor();
  await wellFormed(page);
  await accessible(page);
});

/** A day so many from today, as the form takes it. */
function day(fromNow: number): string {
  return new Date(Date.now() + fromNow * 86_400_000).toISOString().slice(0, 10);
}

/** Has an agent propose what any approver may rule on, and nothing else is equal to; returns the address of its page. */
async function proposed(server: Server): Promise<string> {
  issued ??= keyOf(server.data, "delegation-agent");
  const name = `G${++proposals}`;
  const certificate = { type: "certificate.send", parameters: { user_id: name, amount: 100 } };
  return `/decisions/${await propose(server.origin, await issued, name, certificate)}`;
}
