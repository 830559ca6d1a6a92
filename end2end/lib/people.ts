// What people do again and again.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";

export type Role = "Admin" | "Approver" | "Auditor";

/** Signs in as an invented person of a demo. */
export async function viewAs(page: Page, role: Role): Promise<void> {
  await page.goto("/login");
  await page.getByRole("main").getByRole("button", { name: role }).click();
  await page.waitForURL((url) => url.pathname !== "/login" && !url.pathname.startsWith("/act/"));
}

/** Opens the first decision of the queue and returns its path. */
export async function openFirst(page: Page): Promise<string> {
  await page.goto("/queue");
  const path = await page.getByRole("main").locator('a[href^="/decisions/"]').first().getAttribute("href");
  assert.ok(path, "the queue has a decision");
  await page.goto(path);
  return path;
}

/** Fills the review and presses a button. */
export async function rule(page: Page, verdict: "Approve" | "Reject", reason: string): Promise<void> {
  const code = verdict === "Approve" ? "within_policy" : "against_policy";
  await page.getByLabel("Reason code").selectOption(code);
  await page.getByLabel("Reason", { exact: true }).fill(reason);
  await page.getByRole("main").getByRole("button", { name: verdict, exact: true }).click();
}
