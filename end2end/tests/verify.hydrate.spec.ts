// A proof leaves the server, and a browser checks it alone: good, changed in one bit, and not a proof at all.
import { strict as assert } from "node:assert";
import type { Page } from "playwright-core";
import { accessible, wellFormed } from "../lib/checks.ts";
import { issueKey, propose } from "../lib/operator.ts";
import { rule, viewAs } from "../lib/people.ts";
import type { Server } from "../lib/server.ts";
import { type Scene, specs } from "../lib/spec.ts";

const { it } = specs("verify", { demo: true });

it("checks a proof file from the API", async (scene) => {
  const proof = await proofOf(scene);
  const { page } = scene;
  await page.goto("/verify");

  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByLabel("Proof file").click()]);
  await chooser.setFiles(file("decision.tlog-proof", proof));

  await settled(page);
  assert.deepEqual(await failed(page), []);
  assert.deepEqual(await passed(page), ["L1", "L2", "L6", "L8", "D1"]);
  assert.match(await main(page), /Newest head of .+\/ledger\/[0-9a-f]{16} seen in this browser: size \d+/);
});

it("checks a proof with the network off once the page is loaded", async (scene) => {
  const { page, visitor } = scene;
  visitor.expect(/ERR_INTERNET_DISCONNECTED/);
  const proof = await proofOf(scene);
  await page.goto("/verify");
  await page.getByText(/^SHA-256 of /).waitFor();
  await visitor.context.setOffline(true);

  await choose(page, proof);

  assert.deepEqual(await failed(page), []);
  assert.deepEqual(await passed(page), ["L1", "L2", "L6", "L8", "D1"]);
  assert.match(await main(page), /the key came from this same server on an earlier visit/);
});

it("names the check that one flipped bit breaks", async (scene) => {
  const { page } = scene;
  const proof = await proofOf(scene);
  const lines = proof.split("\n");
  const note = lines.indexOf("") + 1;
  const hashes = lines.slice(3, note - 1).map((_, place) => 3 + place);
  assert.ok(hashes.length > 2, "the path has hashes to flip");
  const leafBytes = Buffer.from(lines[1]!.slice("extra ".length), "base64").length;
  const cases: [string, number, number, string][] = [
    ...[0, leafBytes >> 1, leafBytes - 1].map((byte): [string, number, number, string] => [`byte ${byte} of the leaf`, 1, byte, "L6"]),
    ...hashes.flatMap((line): [string, number, number, string][] => [
      [`the first byte of the hash in line ${line + 1}`, line, 0, "L6"],
      [`the last byte of the hash in line ${line + 1}`, line, 31, "L6"],
    ]),
    ...[0, 17, 31].map((byte): [string, number, number, string] => [`byte ${byte} of the root`, note + 2, byte, "L2"]),
    ...[0, 4, 40, 67].map((byte): [string, number, number, string] => [`byte ${byte} of key id and signature`, note + 4, byte, "L2"]),
  ];
  await page.goto("/verify");

  for (const [name, line, byte, check] of cases) {
    await choose(page, flipped(proof, line, byte));

    assert.equal((await failed(page))[0], check, name);
    assert.match(await main(page), new RegExp(`This proof does not hold\\.[^]+FAILED ${check} at `), name);
  }
  await choose(page, proof);
  assert.deepEqual(await failed(page), [], "the page keeps nothing of the failures");
});

it("says of another file what it is not", async ({ page }) => {
  await page.goto("/verify");

  for (const content of ["%PDF-1.7\n\u0000\u0001", "", "c2sp.org/tlog-proof@v1\nindex 07\n\nx\n", '{"id": 1}']) {
    await choose(page, content);

    assert.deepEqual(await failed(page), ["L1"], content);
    assert.match(await main(page), /This is not a proof file\.\s+A proof file begins with the line c2sp\.org\/tlog-proof@v1/);
  }
  await page.getByLabel("Proof file").setInputFiles(file("large.bin", Buffer.alloc(3_000_000, 65)));
  await page.getByText("It is larger than any proof.").waitFor();
});

it("takes the key that a person pinned over that of the server", async (scene) => {
  const { page, server } = scene;
  const proof = await proofOf(scene);
  const origin = proof.split("\n\n")[1]!.split("\n")[0]!;
  const policy = await (await fetch(`${server.origin}/ledger/${origin.split("/").at(-1)}/trust-policy`)).text();
  await page.goto("/verify");

  await page.getByLabel(/^Trust policy/).fill(policy);
  await choose(page, proof);
  assert.deepEqual(await passed(page), ["L1", "L2", "L6", "L8", "D1"]);
  assert.doesNotMatch(await main(page), /the key comes from this same server/);

  await page.getByLabel(/^Trust policy/).fill(OTHER_POLICY);
  await choose(page, proof);
  assert.equal((await failed(page))[0], "L2");
});

for (const [theme, width] of [["light", 1440], ["dark", 1440], ["light", 390], ["dark", 390]] as const) {
  it(`is accessible before and after a check in ${theme} at ${width} px`, async (scene) => {
    const { page } = scene;
    const proof = await proofOf(scene);
    await page.goto("/verify");
    await wellFormed(page);
    await accessible(page);
    for (const content of [proof, flipped(proof, 1, 0), "another file"]) {
      await choose(page, content);
      await wellFormed(page);
      await accessible(page);
    }
  }, { theme, width, height: width === 390 ? 844 : 900 });
}

/** Key of a log that nobody keeps. */
const OTHER_POLICY =
  "log decisions.example.org/ledger/7c1d9a40b2e85f36+4efb17f5+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n";

const proofs = new WeakMap<Server, Promise<string>>();

/** The proof of one approved decision, made once for all specs. */
function proofOf({ server, another }: Scene): Promise<string> {
  const known = proofs.get(server);
  if (known) return known;
  const made = makeProof(server, another);
  proofs.set(server, made);
  return made;
}

async function makeProof(server: Server, another: Scene["another"]): Promise<string> {
  const key = await issueKey(server.data, "proof-agent");
  const id = await propose(server.origin, key, "PROOF1");
  const page = await (await another({ width: 1440, height: 900 })).page();
  await viewAs(page, "Senior approver");
  await page.goto(`/decisions/${id}`);
  await rule(page, "Approve", "The fare allows it.");
  await page.getByText("Your review is recorded.").first().waitFor();
  for (let waited = 0; waited < 10_000; waited += 100) {
    const answer = await fetch(`${server.origin}/api/v1/decisions/${id}/proof`, { headers: { authorization: `Bearer ${key}` } });
    if (answer.ok) return answer.text();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no proof within 10 s");
}

function file(name: string, content: string | Buffer) {
  return { name, mimeType: "application/octet-stream", buffer: Buffer.from(content) };
}

async function choose(page: Page, content: string): Promise<void> {
  // The list of an earlier file must not be taken for this one's.
  await page.evaluate(() => document.querySelector("#verify [role=status]")?.replaceChildren());
  await page.getByLabel("Proof file").setInputFiles(file("chosen", content));
  await settled(page);
}

async function settled(page: Page): Promise<void> {
  await page.locator("#verify [role=status] li").first().waitFor();
}

function main(page: Page): Promise<string> {
  return page.getByRole("main").innerText();
}

function failed(page: Page): Promise<string[]> {
  return checks(page, "✕ failed");
}

function passed(page: Page): Promise<string[]> {
  return checks(page, "✓ passed");
}

/** The short names of the checks with this mark, in their order. */
async function checks(page: Page, mark: string): Promise<string[]> {
  const lines = await page.locator("#verify [role=status] li").filter({ hasText: mark }).allInnerTexts();
  return lines.map((line) => /([A-Z]\d+) · /.exec(line)?.[1] ?? line);
}

/** Flips the lowest bit of one byte of a line's base64, and writes it as base64 again. */
function flipped(proof: string, line: number, byte: number): string {
  const lines = proof.split("\n");
  lines[line] = (lines[line] ?? "").replace(/\S+$/, (encoded) => {
    const bytes = Buffer.from(encoded, "base64");
    bytes[byte]! ^= 1;
    return bytes.toString("base64");
  });
  return lines.join("\n");
}
