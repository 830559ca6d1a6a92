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

export const PASSWORD = "a long enough phrase";

/** Becomes the first admin by the link that the server printed. */
export async function setUp(page: Page, lines: readonly string[], login: string): Promise<void> {
  const printed = lines.map((line) => /(http\S+\/setup\?token=\S+)/.exec(line)?.[1]).filter(Boolean).at(-1);
  assert.ok(printed, "the server printed a set-up link");
  await page.goto(printed);
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Sign-in name").fill(login);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Finish set-up" }).click();
  await page.waitForURL((url) => url.pathname === "/admin/people");
}

/** Invites an approver and returns the one-time link. */
export async function invite(page: Page, name: string, login: string): Promise<string> {
  await page.goto("/admin/people");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Sign-in name").fill(login);
  await page.getByRole("radio", { name: /^Approver/ }).check();
  await page.getByRole("button", { name: "Invite a person" }).click();
  await page.getByText(/\/join\?token=/).first().waitFor();
  const found = /http\S+\/join\?token=[A-Za-z0-9_-]+/.exec(await page.content());
  assert.ok(found, "the one-time link is shown");
  return found[0];
}

/** Accepts an invitation. */
export async function join(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/queue");
}
