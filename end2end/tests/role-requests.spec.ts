// Who is refused a page asks for the role that it takes; an admin gives it or says why not.
import { strict as assert } from "node:assert";
import { accessible, wellFormed } from "../lib/checks.ts";
import { viewAs } from "../lib/people.ts";
import { look } from "../lib/pictures.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("role-requests", { demo: true });
const WHY = "I write the refund rules from Monday on.";
const SAYS = "The policy team writes them; ask Policy author A.";

it("leads from a page that was refused to an answer", async ({ page, visitor }) => {
  visitor.expect(/status of 403/);
  await viewAs(page, "Approver");
  await page.goto("/admin/systems?from=a%26b");
  await page.getByRole("heading", { level: 1, name: "You may not do this" }).waitFor();
  await wellFormed(page);
  await accessible(page);
  await page.getByRole("main").getByRole("link", { name: "Ask for a role" }).click();
  await page.getByRole("heading", { level: 1, name: "Ask for a role" }).waitFor();
  await page.getByText("/admin/systems", { exact: true }).waitFor();
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await wellFormed(page);
    await accessible(page);
  }
  await look(page, "role-request-form");

  // Without a reason nothing is sent, and what was chosen stays.
  visitor.expect(/status of 422/);
  await page.getByRole("combobox", { name: "Role" }).selectOption("policy_author");
  await page.getByRole("button", { name: "Send the request" }).click();
  await page.getByText("Reason: write something here.").first().waitFor();
  assert.equal(await page.getByRole("combobox", { name: "Role" }).inputValue(), "policy_author");
  await accessible(page);
  await page.getByLabel("What you need it for").fill(WHY);
  await page.getByRole("button", { name: "Send the request" }).click();
  await page.getByText("Your request waits for an admin.", { exact: false }).waitFor();
  await page.getByText(WHY).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Send the request" }).count(), 0, "one at a time");
  await wellFormed(page);
  await accessible(page);

  await viewAs(page, "Admin");
  await page.goto("/admin/role-requests");
  await page.getByText("Somebody asks for a role.", { exact: false }).first().waitFor();
  await wellFormed(page);
  await accessible(page);
  await look(page, "role-requests");
  await page.getByRole("link", { name: /^Answer: Approver/ }).click();
  await page.getByText("/admin/systems", { exact: true }).waitFor();
  const give = page.getByRole("link", { name: "Open their page to give a role" });
  assert.match((await give.getAttribute("href")) ?? "", /^\/admin\/people\/[0-9a-f-]+\?role=policy_author$/);
  await page.getByRole("button", { name: "Send the answer" }).click();
  await page.getByText("Say whether they have the role now.").first().waitFor();
  await accessible(page);
  await page.getByLabel("No, they do not get it").check();
  await page.getByLabel("What you say to them").fill(SAYS);
  await page.getByRole("button", { name: "Send the answer" }).click();
  await page.getByText(SAYS).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Send the answer" }).count(), 0);
  await wellFormed(page);
  await accessible(page);
  await look(page, "role-request-answered");

  await viewAs(page, "Approver");
  await page.goto("/me/role-requests");
  await page.getByText("Your request for a role was answered", { exact: false }).first().waitFor();
  await page.getByText("Refused", { exact: true }).first().waitFor();
  await page.getByText(SAYS).first().waitFor();
  await page.getByRole("button", { name: "Send the request" }).waitFor();
  await wellFormed(page);
  await accessible(page);
});
