// What a page does while the server is away.
import { strict as assert } from "node:assert";
import { accessible } from "../lib/checks.ts";
import { openFirst, rule, startReview, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("connection", { demo: true });

it("looks up whether a review was recorded whose answer was lost", async ({ page, visitor }) => {
  visitor.expect(/ERR_FAILED/);
  await viewAs(page, "Senior approver");
  await openFirst(page);
  await page.getByText("Live", { exact: true }).waitFor();
  await startReview(page);
  await page.getByLabel("Reason code").selectOption("against_policy");
  await page.getByLabel("Reason", { exact: true }).fill("Nobody hears of this at first.");
  const reject = page.getByRole("main").getByRole("button", { name: "Reject", exact: true });
  const check = page.getByRole("button", { name: "Check whether it was recorded" });

  // It never arrives.
  await page.route("**/act/review", (route) => route.abort());
  await reject.click();
  await check.waitFor();
  await accessible(page);
  await page.unroute("**/act/review");
  await check.click();
  await page.getByText("No final review of yours was found.", { exact: false }).waitFor();
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Nobody hears of this at first.");

  // It arrives, and its answer does not.
  await page.route("**/act/review", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await reject.click();
  await check.waitFor();
  await page.unroute("**/act/review");
  await check.click();
  await page.getByText("What was recorded stands under History and proof.").waitFor();
  assert.match((await page.locator("#history").textContent()) ?? "", /Nobody hears of this at first\./);
});

it("locks the verdicts while the connection is lost and opens them when it is back", async ({ page, visitor, server }) => {
  visitor.expect(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await viewAs(page, "Senior approver");
  const path = await openFirst(page);
  const approve = page.getByRole("main").getByRole("button", { name: "Approve", exact: true });
  await page.getByText("Live", { exact: true }).waitFor();
  await startReview(page);
  await page.getByLabel("Reason code").selectOption("within_policy");
  await page.getByLabel("Reason", { exact: true }).fill("Typed before the server went away.");
  assert.equal(await approve.getAttribute("aria-disabled"), null);

  await server.kill();
  await page.getByText(/^Live updates paused since /).waitFor();
  await page.getByText(/The connection to the server is lost, so what is shown may be old\./).first().waitFor();
  assert.equal(await approve.getAttribute("aria-disabled"), "true");
  await accessible(page);
  await approve.click({ force: true });
  assert.equal(new URL(page.url()).pathname, path, "nothing was sent");
  await server.start();
  await page.getByText("Live", { exact: true }).waitFor();
  assert.equal(await approve.getAttribute("aria-disabled"), null);
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Typed before the server went away.");
  await rule(page, "Approve", "Sent after the server came back.");
  await page.getByText("Your review is recorded.").first().waitFor();
});
