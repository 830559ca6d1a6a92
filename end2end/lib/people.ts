// What people do again and again.
import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import type { Page } from "playwright-core";

export type Role =
  | "Viewer"
  | "Approver"
  | "Senior approver"
  | "Policy author"
  | "Admin"
  | "Compliance officer"
  | "Auditor";

/** Signs in as an invented person of a demo. */
export async function viewAs(page: Page, role: Role): Promise<void> {
  await page.goto("/login");
  await page.getByRole("main").getByRole("button", { name: new RegExp(`^${role} \\(`) }).click();
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

/** Starts the review of the decision shown, unless it has begun; where somebody else has it, takes it over. */
export async function startReview(page: Page): Promise<void> {
  const main = page.getByRole("main");
  const begun = main.getByText("You have this until");
  const start = main.getByRole("button", { name: "Start review" }).first();
  const over = main.locator("summary", { hasText: "Take over" });
  await begun.or(start).or(over).first().waitFor();
  if (await begun.isVisible()) return;
  if (await start.isVisible()) {
    await start.click();
  } else {
    await over.click();
    await main.getByLabel("Why you take it over").fill("The shift changed.");
    await main.getByRole("button", { name: "Take this review over" }).click();
  }
  await begun.waitFor();
}

/** Fills the review and presses a button. */
export async function rule(page: Page, verdict: "Approve" | "Reject" | "Request changes", reason: string): Promise<void> {
  const code = verdict === "Approve" ? "within_policy" : "against_policy";
  await startReview(page);
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
  await addApp(page, login);
  await page.goto("/admin/people");
}

/** What an authenticator app remembers: the secret, and the last step whose code was typed. */
const apps = new Map<string, { secret: string; step: number }>();

/** Sets up an authenticator app on the page that a new account lands on. */
export async function addApp(page: Page, login: string): Promise<void> {
  await page.waitForURL((url) => url.pathname === "/me/factors");
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  const secret = (await page.locator("#totp-secret").textContent())?.trim() ?? "";
  apps.set(login, { secret, step: 0 });
  await page.getByLabel("Code that the app shows").fill(await appCode(login));
  await page.getByRole("button", { name: "Check the code" }).click();
  await page.getByText("Set up. After your password").first().waitFor();
}

/** Returns a code that was not typed before: this half minute's, or the next one's. */
export async function appCode(login: string): Promise<string> {
  const app = apps.get(login);
  assert.ok(app, `${login} has an authenticator app`);
  const current = () => Math.floor(Date.now() / 30_000);
  const step = Math.max(current(), app.step + 1);
  while (step > current() + 1) await new Promise((resolve) => setTimeout(resolve, 500));
  app.step = step;
  return codeAt(app.secret, step);
}

/** RFC 6238 with SHA-1 and six digits. */
function codeAt(secret: string, step: number): string {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"));
  const seed = Buffer.from((bits.join("").match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", seed).update(counter).digest();
  const word = digest.readUInt32BE((digest.at(-1) ?? 0) & 0x0f) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

/** Signs in with password and authenticator app. */
export async function signIn(page: Page, login: string): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("Sign-in name").fill(login);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("Code", { exact: true }).fill(await appCode(login));
  await page.getByRole("main").getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL((url) => url.pathname !== "/login" && !url.pathname.startsWith("/act/"));
}

/** Invites somebody and returns the one-time link. */
export async function invite(page: Page, name: string, login: string, role: string = "Approver"): Promise<string> {
  await page.goto("/admin/people");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Sign-in name").fill(login);
  await page.getByRole("radio", { name: new RegExp(`^${role}`) }).check();
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
  await addApp(page, link);
  await page.goto("/queue");
}
