// Pictures for people to look at: COUNTERSIGN_SHOTS names the directory that they go to; without it none is taken.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";

const SHOTS = process.env.COUNTERSIGN_SHOTS;
const LOOKS = [["light", 1440, 900], ["dark", 1440, 900], ["light", 390, 844], ["dark", 390, 844]] as const;

/** Takes a picture of a page as it is. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  // Hiding the caret writes style attributes, which the checks that come after find.
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true, caret: "initial" });
}

/** Takes pictures of a page, in every theme and width. */
export async function look(page: Page, name: string): Promise<void> {
  const size = page.viewportSize();
  for (const [theme, width, height] of SHOTS ? LOOKS : []) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width, height });
    await picture(page, `${name}-${theme}-${width}`);
  }
  if (size) await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: null });
}
