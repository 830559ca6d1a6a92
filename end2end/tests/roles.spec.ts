// Roles: what each person holds, what a role would do before it is given, the second person, the matrix and its why.
import { strict as assert } from "node:assert";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("roles", { demo: true });

/** Opens a person's page by name. */
async function openPerson(page: import("playwright-core").Page, name: string): Promise<void> {
  await page.goto("/admin/people");
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

it("shows what a role would do, gives it, and ends it with the entries on record", async ({ page, javaScript }) => {
  const type = javaScript ? "reservation.cancel" : "reservation.update";
  await viewAs(page, "Admin");
  await openPerson(page, "Viewer A");
  await page.getByLabel("Role", { exact: true }).selectOption("viewer");
  const types = (await page.getByText(/^Known: /).last().textContent()) ?? "";
  const known = /Known: ([^ ,]+)/.exec(types)?.[1] ?? type;
  await page.getByLabel("Decision types").fill(known);
  await page.getByLabel("Highest amount to review").fill(javaScript ? "500" : "600");
  await page.getByRole("button", { name: "Show what it would do" }).click();
  const effect = page.getByRole("heading", { name: "What this would do" });
  await effect.waitFor();
  assert.ok(page.url().includes("role=viewer"));
  await page.getByRole("button", { name: "Give the role" }).click();

  const amount = javaScript ? "up to 500" : "up to 600";
  const row = page.getByRole("listitem").filter({ hasText: `only ${known}; ${amount}` }).first();
  await row.waitFor();
  await row.getByText("Given by Admin A (by hand)", { exact: false }).waitFor();
  await row.getByRole("button", { name: "End viewer" }).click();
  await page.getByRole("heading", { name: "Roles held before" }).waitFor();
  await page.getByText("; ended", { exact: false }).first().waitFor();
});

it("says which field needs a change, and why roles exclude each other", async ({ page }) => {
  await viewAs(page, "Admin");
  await openPerson(page, "Approver B");
  await page.getByLabel("Role", { exact: true }).selectOption("viewer");
  await page.getByLabel("AI systems").fill("no-such-agent");
  await page.getByRole("button", { name: "Show what it would do" }).click();
  await page.getByText("There is no AI system named no-such-agent", { exact: false }).first().waitFor();

  await openPerson(page, "Approver B");
  await page.getByLabel("Role", { exact: true }).selectOption("admin");
  await page.getByRole("button", { name: "Show what it would do" }).click();
  await page.getByText("An admin may not review.", { exact: false }).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Give the role" }).count(), 0);
});

it("lets a privileged role wait until somebody else confirms it", async ({ page, javaScript }) => {
  const role = javaScript ? "senior_approver" : "compliance_officer";
  const words = javaScript ? "senior approver" : "compliance officer";
  await viewAs(page, "Admin");
  await openPerson(page, "Approver A");
  await page.getByLabel("Role", { exact: true }).selectOption(role);
  await page.getByRole("button", { name: "Show what it would do" }).click();
  await page.getByText("has to confirm it", { exact: false }).first().waitFor();
  await page.getByRole("button", { name: "Ask for it" }).click();
  await page.getByRole("heading", { name: `Approver A gets the role ${words}` }).waitFor();

  await page.goto("/admin/changes");
  const change = page.getByRole("region", { name: `Approver A gets the role ${words}` });
  await change.waitFor();
  assert.equal(await change.getByRole("button", { name: "Confirm" }).count(), 0, "who asked does not confirm");
  await viewAs(page, "Compliance officer");
  await page.goto("/admin/changes");
  await change.getByText(/^Approver(, .*)?$/).first().waitFor();
  await change.getByRole("button", { name: "Confirm" }).click();
  await change.getByText("Confirmed", { exact: true }).waitFor();
  await change.getByText("Compliance officer A", { exact: false }).waitFor();
});

it("answers who may do what, and why somebody may not", async ({ page }) => {
  await viewAs(page, "Policy author");
  const path = await openFirst(page);
  await page.goto("/admin/roles");
  const table = page.getByRole("table", { name: "What each role may do" });
  await table.waitFor();
  assert.match((await table.getByRole("row").filter({ hasText: "Review high risk" }).textContent()) ?? "", /In scope/);

  await page.getByLabel("Would").selectOption("list_people");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByText("may not see people", { exact: false }).first().waitFor();
  await page.getByText("No rule allows it, so it is refused.").waitFor();

  await page.getByLabel("Would").selectOption("view_decision");
  await page.getByLabel("On what").fill(path.replace("/decisions/", ""));
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByText("read_decision", { exact: true }).first().waitFor();
  await page.getByText("may see the decision", { exact: false }).first().waitFor();
});

it("leads every role to what it may open", async ({ page }) => {
  for (const role of ["Viewer", "Senior approver", "Policy author", "Compliance officer"] as const) {
    await viewAs(page, role);
    assert.equal(new URL(page.url()).pathname, "/queue", role);
    await openFirst(page);
    const start = page.locator("#review").getByRole("button", { name: "Start review" });
    assert.equal(await start.count(), role === "Senior approver" ? 1 : 0);
  }
});

for (const [theme, width] of [["light", 1440], ["dark", 390]] as const) {
  it(`is accessible and well formed in ${theme} at ${width} px`, async ({ page }) => {
    await viewAs(page, "Admin");
    await openPerson(page, "Approver A");
    const person = new URL(page.url()).pathname;
    for (const path of [person, `${person}?role=approver`, "/admin/people", "/admin/roles", "/admin/roles?action=list_people", "/admin/changes"]) {
      await page.goto(path);
      await wellFormed(page);
      await accessible(page);
    }
  }, { theme, width, height: width === 390 ? 844 : 900 });
}
