// The checks themselves: what they must let through, and what they must not.
import { strict as assert } from "node:assert";
import { createServer, type Server } from "node:http";
import { after, before } from "node:test";
import { accessible, wellFormed } from "../lib/checks.ts";
import { specs } from "../lib/spec.ts";

const POLICY = "default-src 'none'; script-src 'nonce-good'; style-src 'self'";
const PAGES: Record<string, string> = {
  "/good": `<h1>Good</h1><p id="mode">plain</p>
    <script nonce="good">document.getElementById("mode").textContent = "scripted"</script>`,
  "/policy": `<h1>Policy</h1><img src="/elsewhere.png" alt="refused">`,
  "/console": `<h1>Console</h1><script nonce="good">console.log("left over")</script>`,
  "/error": `<h1>Error</h1><script nonce="good">nowhere.at.all()</script>`,
  "/unlabelled": `<h1>Unlabelled</h1><input>`,
  "/wide": `<h1>Wide</h1><pre>${"x".repeat(2000)}</pre>`,
};

let site: Server;
let origin = "";
before(async () => {
  site = createServer((request, response) => {
    const body = PAGES[request.url ?? ""];
    if (request.url === "/fault") return void response.writeHead(500).end("fault");
    if (!body) return void response.writeHead(204).end();
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY });
    response.end(`<!doctype html><html lang="en"><title>Page</title><body><main>${body}</main></body></html>`);
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const address = site.address();
  if (address !== null && typeof address !== "string") origin = `http://127.0.0.1:${address.port}`;
});
after(() => site.close());

const { it } = specs("harness", { origin: () => origin });

it("lets a good page through", async ({ page, javaScript }) => {
  await page.goto("/good");

  assert.equal(await page.locator("#mode").textContent(), javaScript ? "scripted" : "plain");
  await wellFormed(page);
  await accessible(page);
});

it("notes a policy violation", async ({ page, visitor }) => {
  await page.goto("/policy", { waitUntil: "load" });

  await noted(visitor.problems, /Content Security Policy/);
});

it("notes a console message and a script error", async ({ page, visitor, javaScript }) => {
  await page.goto("/console");
  await page.goto("/error");

  if (javaScript) {
    await noted(visitor.problems, /left over/);
    await noted(visitor.problems, /nowhere is not defined/);
  }
});

it("notes an answer of 500", async ({ page, visitor }) => {
  await page.goto("/fault");

  await noted(visitor.problems, /^500 from/);
  await noted(visitor.problems, /status of 500/);
});

it("refuses what is not accessible", async ({ page }) => {
  await page.goto("/unlabelled");

  await assert.rejects(accessible(page), /Form elements must have labels/);
});

it("refuses a page that scrolls sideways", async ({ page }) => {
  await page.goto("/wide");

  await assert.rejects(wellFormed(page), /scrolls sideways/);
});

/** Takes matching problems off the list, so that this test passes because they were noted. */
async function noted(problems: string[], pattern: RegExp): Promise<void> {
  for (let waited = 0; waited < 5_000 && !problems.some((problem) => pattern.test(problem)); waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(problems.some((problem) => pattern.test(problem)), `${pattern} was noted among: ${problems.join("; ")}`);
  problems.splice(0, problems.length, ...problems.filter((problem) => !pattern.test(problem)));
}
