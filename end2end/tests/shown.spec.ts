// What a reviewer's page showed is drawn again for whoever audits the review, and held to what was sealed.
import { strict as assert } from "node:assert";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, rule, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("shown", { demo: true });

it("draws again what a review saw, for an auditor", async ({ page, javaScript }) => {
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await rule(page, "Reject", "The fare rules do not allow it.");
  await page.getByText("Your review is recorded.").first().waitFor();

  await viewAs(page, "Auditor");
  await page.goto(path);
  await page.locator("#history").getByRole("link", { name: "What was shown to Approver A" }).first().click();
  await page.getByRole("heading", { level: 1, name: "What was shown" }).waitFor();
  await page.getByText("This is what was shown.").waitFor();
  await page.getByText("not what somebody read of it", { exact: false }).waitFor();
  await page.getByRole("heading", { name: "What stood beside them" }).waitFor();
  await page
    .getByText(javaScript ? "Your browser made the digest of this record too" : "With JavaScript your browser makes the digest", { exact: false })
    .waitFor();
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await wellFormed(page);
    await accessible(page);
  }

  // The two digests are the same, and it is the drawing of this page that says so.
  const digests = await page.getByRole("main").locator("dd.font-mono").allTextContents();
  assert.equal(digests.length, 2);
  assert.equal(digests[0], digests[1]);
  assert.ok((await page.getByText("Shown in full").count()) > 0);

  // Looking at it is on record.
  await page.getByRole("main").getByRole("link", { name: /^Sealed #\d+$/ }).first().waitFor();
  await page.getByRole("link", { name: "Back to the decision" }).first().click();
  await page.waitForURL((url) => url.pathname === path);

  // Who audits it goes on to everybody who read it.
  await page.getByRole("link", { name: "Who read it" }).click();
  await page.waitForURL((url) => url.pathname === "/admin/access" && path.endsWith(url.searchParams.get("object") ?? "none"));
  await page.getByRole("main").getByText("Approver A").first().waitFor();
});

it("knows no review of another decision", async ({ page, visitor }) => {
  visitor.expect(/status of 404/);
  await viewAs(page, "Auditor");
  const path = await openFirst(page);
  for (const wrong of ["nonsense", "01a19b7c-0000-7000-8000-000000000000"]) {
    const answer = await page.goto(`${path}/shown/${wrong}`);
    assert.equal(answer?.status(), 404, wrong);
  }
});
