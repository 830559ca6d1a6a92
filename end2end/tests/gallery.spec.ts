// Every page as a picture for people to look at: COUNTERSIGN_SHOTS names the directory that they go to.
import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join as path } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { launchBrowser, Visitor } from "../lib/browser.ts";
import { openFirst, type Role, viewAs } from "../lib/people.ts";
import { startServer } from "../lib/server.ts";

const SHOTS = process.env.COUNTERSIGN_SHOTS;
const LOOKS = [["light", 1440], ["dark", 1440], ["light", 390], ["dark", 390]] as const;

/** Pages by who sees most of them. */
const PAGES: readonly (readonly [Role, readonly string[]])[] = [
  ["Approver", ["/queue", "/bulk", "/pauses", "/handovers", "/me", "/me/keys", "/me/views", "/me/role-requests", "/me/factors", "/me/access", "/verify"]],
  [
    "Admin",
    ["people", "role-requests", "roles", "changes", "sso", "systems", "keys", "passkeys", "sessions", "health", "access", "audit-windows", "recertification", "notices"].map((name) =>
      `/admin/${name}`
    ),
  ],
  ["Compliance officer", ["/queue", "/policies", "/policies/1", "/admin/access", "/admin/roles"]],
  ["Auditor", ["/ledger", "/admin/access"]],
];

test("gallery: pictures of every page", {
  skip: SHOTS ? false : "COUNTERSIGN_SHOTS names no directory",
  timeout: 600_000,
}, async () => {
  assert.ok(SHOTS);
  mkdirSync(SHOTS, { recursive: true });
  const server = await startServer({ demo: true });
  const browser = await launchBrowser();
  try {
    for (const [theme, width] of LOOKS) {
      const visitor = await Visitor.arrive(browser, { origin: server.origin, theme, width, height: width === 390 ? 844 : 900 });
      const page = await visitor.page();
      const shoot = (name: string) =>
        page.screenshot({ path: path(SHOTS, `${name}-${theme}-${width}.png`), fullPage: true });
      await page.goto("/login");
      await shoot("login");
      for (const [role, pages] of PAGES) {
        await viewAs(page, role);
        for (const place of pages) {
          await visit(page, place);
          await shoot(`${role}${place}`.toLowerCase().replaceAll(/[ /]+/g, "-"));
        }
        if (role === "Approver") {
          await openFirst(page);
          await shoot("approver-decision");
        }
        if (role === "Admin") {
          await visit(page, "/admin/people");
          await page.getByRole("main").locator('a[href^="/admin/people/"]').first().click();
          await page.waitForURL(/\/admin\/people\/.+/);
          await shoot("admin-person");
        }
      }
      await visitor.leave();
    }
  } finally {
    await browser.close();
    await server.stop();
  }
});

async function visit(page: Page, place: string): Promise<void> {
  const answer = await page.goto(place);
  assert.equal(answer?.status(), 200, place);
  await page.getByRole("main").getByRole("heading", { level: 1 }).first().waitFor();
}
