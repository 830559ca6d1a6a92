// The approver's day, with JavaScript and without.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, rule, startReview, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("desk", { demo: true });

it("approves a decision and shows its seal", async ({ page }) => {
  await viewAs(page, "Senior approver");
  const path = await openFirst(page);

  await rule(page, "Approve", "The customer confirmed, and the policy allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.goto(path);

  assert.match((await page.getByRole("main").textContent()) ?? "", /Approved/);
  assert.match((await page.getByRole("main").textContent()) ?? "", /The customer confirmed/);
  assert.equal(await page.getByRole("button", { name: "Approve", exact: true }).count(), 0);
});

it("rejects a decision", async ({ page }) => {
  await viewAs(page, "Senior approver");
  const path = await openFirst(page);

  await rule(page, "Reject", "The fare does not allow a refund.");
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.goto(path);

  assert.match((await page.getByRole("main").textContent()) ?? "", /Rejected/);
});

it("keeps the text of whoever comes second", async ({ page, visitor, javaScript, another }) => {
  // The browser's own line about the status 409.
  visitor.expect(/status of 409/);
  await viewAs(page, "Senior approver");
  const path = await openFirst(page);
  await startReview(page);
  await page.getByLabel("Reason code").selectOption("within_policy");
  await page.getByLabel("Reason", { exact: true }).fill("My careful reasoning.");
  const second = await (await another()).page();
  await viewAs(second, "Senior approver");
  await second.goto(path);

  await rule(second, "Reject", "Against the policy.");
  await second.getByText("Your review is recorded.").first().waitFor();

  if (javaScript) {
    // The page hears of it, says so, and leaves what was typed where it is.
    await page.getByText("This decision changed after you opened it.").first().waitFor();
    assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "My careful reasoning.");
  } else {
    await page.getByRole("main").getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByText(/resolved/).first().waitFor();
    assert.match(await page.content(), /My careful reasoning\./);
  }
});

it("refuses a review without a reason and keeps the rest", async ({ page, visitor }) => {
  visitor.expect(/status of 422/);
  await viewAs(page, "Senior approver");
  await openFirst(page);

  await startReview(page);
  await page.getByLabel("Reason code").selectOption("other");
  await page.getByRole("main").getByRole("button", { name: "Reject", exact: true }).click();

  await page.getByText(/write something here|Please fill/i).first().waitFor({ timeout: 5_000 }).catch(() => undefined);
  assert.equal(await page.getByLabel("Reason code").inputValue(), "other");
  assert.equal(await page.getByText("Your review is recorded.").count(), 0);
});

it("shows an admin no queue and says who can help", async ({ page, visitor }) => {
  visitor.expect(/status of 403/);
  await viewAs(page, "Admin");

  const answer = await page.goto("/queue");

  assert.equal(answer?.status(), 403);
  assert.match((await page.getByRole("main").textContent()) ?? "", /a role that reads them, such as viewer or approver/);
});

it("answers an unknown decision with 404 in the frame", async ({ page, visitor }) => {
  visitor.expect(/status of 404/);
  await viewAs(page, "Senior approver");

  const answer = await page.goto("/decisions/01a19b7d-90e0-7f95-ae73-2979886b812a");

  assert.equal(answer?.status(), 404);
  await wellFormed(page);
});

it("lets an auditor read the ledger and download a proof", async ({ page }) => {
  await viewAs(page, "Auditor");
  await page.goto("/ledger");
  assert.match((await page.getByRole("main").textContent()) ?? "", /\/ledger\/[0-9a-f]{16}/);

  await page.goto("/ledger/5");

  assert.match((await page.getByRole("main").textContent()) ?? "", /"kind":/);
});

it("says how to check a proof without this server", async ({ page }) => {
  await page.goto("/verify");

  const text = (await page.getByRole("main").textContent()) ?? "";
  assert.match(text, /This part needs JavaScript; the commands below do not\./);
  assert.match(text, /countersign verify decision\.tlog-proof --trust trust-policy\.txt/);
});

it("names the proof of a decision as its command line does", async ({ page }) => {
  await viewAs(page, "Senior approver");
  await openFirst(page);
  await rule(page, "Approve", "The policy allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  await page.getByRole("main").locator('a[href^="/decisions/"]:visible').first().click();
  const command = await page.getByText(/^countersign verify decision-[0-9a-f]{8}\.tlog-proof/).textContent();

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download proof" }).click(),
  ]);

  assert.ok(command?.includes(download.suggestedFilename()), `${command} names ${download.suggestedFilename()}`);
});

it("offers the proof of a ledger entry for download", async ({ page }) => {
  await viewAs(page, "Auditor");
  await page.goto("/ledger/2");

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download proof" }).click(),
  ]);

  assert.equal(download.suggestedFilename(), "entry-2.tlog-proof");
  assert.match(readFileSync(await download.path(), "utf8"), /^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex 2\n/);
});

it("shows nothing of what was read after signing out and going back", async ({ page, visitor }) => {
  visitor.expect(/Clear-Site-Data/);
  await viewAs(page, "Approver");
  await openFirst(page);
  const read = ((await page.getByRole("heading", { level: 1 }).textContent()) ?? "").trim();
  assert.notEqual(read, "");

  await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.pathname === "/logged-out");
  await page.goBack();

  await page.waitForURL((url) => url.pathname === "/login");
  assert.ok(!(await page.content()).includes(read), "the decision is not shown again");
});

const PAGES = {
  Approver: ["/queue", "/queue?risk=high", "/me", "/ledger"],
  Auditor: ["/queue", "/ledger", "/ledger/3", "/verify"],
  Admin: ["/admin/people", "/admin/systems", "/me"],
} as const;

for (const [theme, width] of [["light", 1440], ["dark", 1440], ["light", 390], ["dark", 390]] as const) {
  it(`is accessible and well formed in ${theme} at ${width} px`, async ({ page }) => {
    await page.goto("/login");
    await wellFormed(page);
    await accessible(page);
    for (const role of ["Approver", "Auditor", "Admin"] as const) {
      await viewAs(page, role);
      for (const path of PAGES[role]) {
        await page.goto(path);
        await wellFormed(page);
        await accessible(page);
      }
      if (role === "Approver") {
        await openFirst(page);
        await wellFormed(page);
        await accessible(page);
      }
    }
  }, { theme, width, height: width === 390 ? 844 : 900 });
}
