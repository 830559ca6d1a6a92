// Notices outside the page: a room is added, tried, told of what waits, paused and removed; what does not arrive is seen
// and tried again; people choose what they get; a link of a message decides nothing.
import { strict as assert } from "node:assert";
import { createServer, type Server as Sink } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { keyOf, propose } from "../lib/operator.ts";
import { viewAs } from "../lib/people.ts";
import { look } from "../lib/pictures.ts";
import { specs } from "../lib/spec.ts";

const { it } = specs("notices", { demo: true, args: ["--allow-network", "127.0.0.1,::1", "--allow-plain-http"] });

it("adds a room, tries it, tells it of what waits, pauses and removes it", async ({ page, visitor, server, javaScript }) => {
  const sink = await listen();
  const name = `Reviews ${javaScript ? "live" : "plain"}`;
  try {
    await viewAs(page, "Admin");
    await page.goto("/admin/notices");
    await heading(page, "Notices");
    await wellFormed(page);
    await accessible(page);
    await page.getByRole("main").getByRole("link", { name: "Add a room" }).click();
    await page.getByLabel("Address of the webhook").waitFor();
    await accessible(page);
    await look(page, "notices-room-form");

    // What is no address is refused, and the name stays.
    visitor.expect(/status of 422/);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Address of the webhook").fill("hooks");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("Copy the whole address of the webhook", { exact: false }).first().waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), name);
    await accessible(page);

    await page.getByLabel("Address of the webhook").fill(`${sink.origin}/services/secret-path`);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const row = page.getByRole("region", { name });
    await row.waitFor();
    assert.equal(await page.getByText("secret-path").count(), 0, "the address is shown to nobody");
    await wellFormed(page);
    await accessible(page);
    await look(page, "notices");

    await row.getByRole("button", { name: "Send a test message" }).click();
    await until(() => sink.heard.some((text) => text.includes("This is a test message")));

    const key = await keyOf(server.data, `notices-${javaScript}`);
    const id = await propose(server.origin, key, `N-${javaScript}`);
    await until(() => sink.heard.some((text) => text.includes(`/decisions/${id}`)));
    const told = sink.heard.find((text) => text.includes(`/decisions/${id}`)) ?? "";
    assert.match(told, /A decision waits for a review/);

    // A scanner that follows the link is asked to sign in, and nothing is decided.
    const scanned = await fetch(`${server.origin}/decisions/${id}`, { redirect: "manual", headers: { accept: "text/html" } });
    assert.equal(scanned.status, 303);

    await page.reload();
    await row.getByRole("button", { name: "Pause" }).click();
    await row.getByText("Paused", { exact: true }).waitFor();
    assert.equal(await row.getByRole("button", { name: "Send a test message" }).count(), 0);
    await row.getByRole("button", { name: "Let it go on" }).click();
    await row.getByText("Sends", { exact: true }).waitFor();

    await row.getByRole("link", { name: "Change" }).click();
    await page.getByLabel("Remind of one decision at most once in").selectOption("240");
    await page.getByRole("button", { name: "Save" }).click();
    await row.getByText("4 h", { exact: true }).waitFor();

    await row.getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });
    await wellFormed(page);
    await accessible(page);
  } finally {
    sink.server.close();
  }
});

it("shows what was given up, with why, and tries it again", async ({ page, javaScript }) => {
  const sink = await listen();
  const name = `Failing ${javaScript ? "live" : "plain"}`;
  try {
    sink.status = 404;
    await viewAs(page, "Admin");
    await add(page, name, `${sink.origin}/gone`);
    const row = page.getByRole("region", { name });
    // The webhook may hear of it before the page does, and a page that is loaded anew meanwhile loses its answer.
    const answered = page.waitForResponse((response) => new URL(response.url()).pathname === "/act/test-channel");
    await row.getByRole("button", { name: "Send a test message" }).click();
    await answered;
    await until(() => sink.heard.length > 0);
    const failed = page.getByRole("listitem").filter({ hasText: name });
    await until(async () => {
      await page.reload();
      return await failed.count() > 0;
    });
    await failed.getByText("The webhook answered 404.", { exact: false }).waitFor();
    await row.getByText("Failing", { exact: true }).waitFor();
    await accessible(page);
    await look(page, "notices-failed");

    sink.status = 200;
    await failed.getByRole("button", { name: "Try again" }).click();
    await failed.waitFor({ state: "detached" });
    await until(() => sink.heard.length > 1);
    await row.getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });
  } finally {
    sink.server.close();
  }
});

it("lets people choose what they get, and says where it goes", async ({ page }) => {
  await viewAs(page, "Approver");
  await page.goto("/me");
  await page.getByText("Your sign-in name is no e-mail address", { exact: false }).waitFor();
  const box = page.getByLabel("Mentions, questions and answers");
  const before = await box.isChecked();
  await box.setChecked(!before);
  await page.getByRole("main").getByRole("group", { name: "What you want by e-mail" }).waitFor();
  await page.locator('form[action="/act/choose-notices"]').getByRole("button", { name: "Save what you get" }).click();
  await until(async () => {
    await page.goto("/me");
    return await box.isChecked() === !before;
  });
  await wellFormed(page);
  await accessible(page);
  await look(page, "own-notices");
});

it("has the browser tell of what is new while its list is behind others, once and without the case", async ({ page, visitor, server, javaScript }) => {
  await viewAs(page, "Senior approver");
  await page.goto("/me");
  const panel = page.locator("main section").filter({ has: page.getByRole("heading", { name: "Notices of this browser" }) });
  if (!javaScript) {
    await panel.getByText("This needs JavaScript in this browser.").waitFor();
    return;
  }
  // Kept by the test: what the browser would show, and whether the page is before the person.
  await visitor.context.addInitScript(() => {
    const seen: { title: string; body: string; tag: string }[] = [];
    class Kept extends EventTarget {
      static permission = "granted";
      static requestPermission = async () => "granted";
      onclick: unknown = null;
      constructor(title: string, { body = "", tag = "" }: { body?: string; tag?: string } = {}) {
        super();
        seen.push({ title, body, tag });
      }
      close() {}
    }
    Object.assign(window, { Notification: Kept, seen, behind: false });
    Object.defineProperty(document, "hidden", { get: () => (window as unknown as { behind: boolean }).behind });
  });
  await page.reload();
  await panel.getByText("Off in this browser.").waitFor();
  await accessible(page);
  await panel.getByRole("button", { name: "Turn on" }).click();
  await panel.getByText("On in this browser", { exact: false }).waitFor();
  await look(page, "browser-notices");

  // Of one AI system, so that what else comes and goes in the demo is no news here.
  const key = await keyOf(server.data, "notices-browser");
  await page.goto("/queue?view=your_turn&system=notices-browser");
  await page.getByText("Live", { exact: true }).waitFor();
  const seen = () => page.evaluate(() => (window as unknown as { seen: { title: string; body: string; tag: string }[] }).seen);
  const before = await propose(server.origin, key, "B-1");
  await page.getByText("1 new", { exact: true }).first().waitFor();
  assert.deepEqual(await seen(), [], "the page itself says it");
  await page.evaluate(() => Object.assign(window, { behind: true }));
  const id = await propose(server.origin, key, "B-2");
  await page.getByText("2 new", { exact: true }).first().waitFor();
  const [told, ...others] = await seen();
  assert.deepEqual([told?.title, told?.tag, others], ["A decision waits for you", `/decisions/${id}`, []], before);
  assert.match(told?.body ?? "", /^notices-browser, reservation\.cancel, high risk, .* left/);
  assert.doesNotMatch(told?.body ?? "", /B-2/);

  await page.goto("/me");
  await panel.getByRole("button", { name: "Turn off" }).click();
  await panel.getByText("Off in this browser.").waitFor();
});

it("is read by compliance officers and changed by admins only", async ({ page, visitor }) => {
  visitor.expect(/status of 403/);
  await viewAs(page, "Compliance officer");
  await page.goto("/admin/notices");
  await heading(page, "Notices");
  assert.equal(await page.getByRole("main").getByRole("link", { name: "Add a room" }).count(), 0);
  await viewAs(page, "Approver");
  await page.goto("/admin/notices");
  await page.getByText("Channels of notices are managed by admins", { exact: false }).waitFor();
});

it("is read on a phone", async ({ page }) => {
  await viewAs(page, "Admin");
  await page.goto("/admin/notices?add=mail");
  await page.getByLabel("Server", { exact: true }).waitFor();
  await wellFormed(page);
  await accessible(page);
  assert.equal(await page.getByLabel("Connection").inputValue(), "starttls");
  await look(page, "notices-mail-form");
}, { width: 390, height: 844 });

async function add(page: Page, name: string, address: string): Promise<void> {
  await page.goto("/admin/notices?add=room");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Address of the webhook").fill(address);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("region", { name }).waitFor();
}

async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, "it did not come about in time");
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

interface Heard {
  server: Sink;
  origin: string;
  heard: string[];
  status: number;
}

/** A room that keeps what it is told. */
async function listen(): Promise<Heard> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => text += part);
    request.on("end", () => {
      room.heard.push(text);
      response.statusCode = room.status;
      response.end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const room: Heard = { server, origin: `http://127.0.0.1:${port}`, heard: [], status: 200 };
  return room;
}
