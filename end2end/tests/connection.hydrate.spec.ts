// What a page does while the server is away.
import { strict as assert } from "node:assert";
import { accessible } from "../lib/checks.ts";
import { openFirst, rule, startReview, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("connection", { demo: true });

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
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 30_000 });
  assert.equal(await approve.getAttribute("aria-disabled"), null);
  assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "Typed before the server went away.");
  await rule(page, "Approve", "Sent after the server came back.");
  await page.getByText("Your review is recorded.").first().waitFor();
});
