// The pages of administration: who read what, keys, audit windows, recertification, health.
import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { accessible, wellFormed } from "../lib/checks.ts";
import { openFirst, viewAs } from "../lib/people.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("administration", { demo: true });

it("shows who read what, narrows it by kind, and says what it cannot read", async ({ page, visitor }) => {
  visitor.expect(/status of 422/);
  await viewAs(page, "Approver");
  const path = await openFirst(page);
  await viewAs(page, "Auditor");

  await page.goto("/admin/access");
  await page.getByLabel("Kind").selectOption("read");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/kind=read/);

  const table = page.getByRole("table", { name: "Access log" });
  await table.waitFor();
  assert.match((await table.textContent()) ?? "", /Decision shown/);
  assert.ok((await table.locator(`a[href="${path}"]`).count()) > 0, "the decision that was opened is listed");
  assert.equal(await table.getByText("List read").count(), 0);

  await page.goto("/admin/access?person=nobody-of-this-name");
  await page.getByText("Nobody has this sign-in name", { exact: false }).first().waitFor();
  assert.equal(await page.getByLabel("Who (sign-in name or id)").inputValue(), "nobody-of-this-name");
});

it("says so when nothing was read in a period", async ({ page }) => {
  await viewAs(page, "Auditor");

  await page.goto("/admin/access?from=2001-01-01&to=2001-01-02");

  await page.getByText("Nothing read in this period").waitFor();
  assert.equal(await page.getByRole("link", { name: "Export as CSV" }).count(), 0);
});

it("exports the answer as a table", async ({ page }) => {
  await viewAs(page, "Auditor");
  await page.goto("/admin/access?kind=list");

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export as CSV" }).click(),
  ]);

  const table = await readFile(await download.path(), "utf8");
  assert.match(table, /^"entry","at","who"/);
  assert.match(table, /"access\.listed"/);
});

it("shows people who read about them, and what they read", async ({ page }) => {
  await viewAs(page, "Approver");
  await openFirst(page);
  await page.goto("/me");

  await page.getByRole("link", { name: "Who read what about you" }).click();
  await page.getByRole("link", { name: "By you" }).click();

  const table = page.getByRole("table", { name: "Access log" });
  await table.waitFor();
  assert.match((await table.textContent()) ?? "", /Decision shown/);
});

it("issues a key for one network, gives it another secret and revokes it", async ({ page }) => {
  await viewAs(page, "Admin");
  await page.goto("/admin/keys");
  await page.getByLabel("Networks it works from").fill("10.0.0.0/8");
  await page.getByRole("button", { name: "Issue a key" }).click();
  const id = /csig_([A-Za-z0-9]{8})_/.exec((await page.getByText(/csig_/).first().textContent()) ?? "")?.[1];
  assert.ok(id, "the key is shown once");
  const card = page.getByRole("region", { name: `Key ${id}` });

  assert.match((await card.textContent()) ?? "", /10\.0\.0\.0\/8/);
  await card.getByRole("button", { name: "New secret" }).click();
  await card.getByText("Two work", { exact: false }).waitFor();
  await card.getByRole("button", { name: "End the former secret" }).click();
  await card.getByRole("button", { name: "New secret" }).waitFor();
  await card.getByRole("button", { name: "Revoke" }).click();
  await card.getByText("Revoked").first().waitFor();

  await page.goto("/admin/keys");
  assert.equal(await page.getByText(/csig_[A-Za-z0-9]{8}_/).count(), 0, "the key is never shown again");
});

it("says which network cannot be read and keeps what was typed", async ({ page, visitor }) => {
  visitor.expect(/status of 422/);
  await viewAs(page, "Admin");
  await page.goto("/admin/keys");

  await page.getByLabel("Networks it works from").fill("ten");
  await page.getByRole("button", { name: "Issue a key" }).click();

  await page.getByText("is not a network", { exact: false }).first().waitFor();
  assert.equal(await page.getByLabel("Networks it works from").inputValue(), "ten");
});

it("shows how the installation stands, each line with its time", async ({ page }) => {
  await viewAs(page, "Admin");

  await page.goto("/admin/health");

  const text = (await page.getByRole("main").textContent()) ?? "";
  for (const line of ["Database", "Sealing", "High-water mark", "Disk", "Clocks", "PostgreSQL"]) {
    assert.match(text, new RegExp(line));
  }
  assert.ok((await page.getByRole("main").locator("time").count()) >= 10);
});

it("begins an access review and keeps an assignment", async ({ page, javaScript }) => {
  await viewAs(page, "Admin");
  await page.goto("/admin/recertification");
  // The second of the two runs finds the review that the first began.
  if ((await page.getByRole("button", { name: "Begin an access review" }).count()) > 0) {
    await page.getByRole("button", { name: "Begin an access review" }).click();
  }
  const review = page.getByRole("region", { name: "Running access review" });
  await review.waitFor();
  const before = Number(/(\d+) of \d+ assignments/.exec((await review.textContent()) ?? "")?.[1]);

  assert.ok((await review.getByText("Your own: another admin or a compliance officer answers.").count()) > 0);
  await review.getByRole("button", { name: /^Keep: / }).first().click();
  await page.getByText(`${before + 1} of`, { exact: false }).first().waitFor();
  if (javaScript) assert.equal(new URL(page.url()).pathname, "/admin/recertification");
});

const PAGES = {
  Approver: ["/me/access", "/me/access?side=by"],
  Auditor: ["/admin/access", "/admin/access?kind=refusal", "/admin/access?from=2001-01-01&to=2001-01-02"],
  Admin: ["/admin/access", "/admin/keys", "/admin/audit-windows", "/admin/recertification", "/admin/health"],
} as const;

for (const [theme, width] of [["light", 1440], ["dark", 1440], ["light", 390], ["dark", 390]] as const) {
  it(`is accessible and well formed in ${theme} at ${width} px`, async ({ page }) => {
    for (const role of ["Approver", "Auditor", "Admin"] as const) {
      await viewAs(page, role);
      for (const path of PAGES[role]) {
        await page.goto(path);
        await wellFormed(page);
        await accessible(page);
      }
    }
  }, { theme, width, height: width === 390 ? 844 : 900 });
}
