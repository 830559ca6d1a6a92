// Sigstore's verifier and another RFC 8785 writer judge a proof file and the leaves of an export.
//
// Without environment: the frozen log `countersign-v1`. With COUNTERSIGN_EXPORT (a directory that
// `countersign export` wrote) and COUNTERSIGN_PROOF (a proof file of that log): those.
import { strict as assert } from "node:assert";
import { createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import test from "node:test";
import canonicalize from "canonicalize";
import { readLeaves } from "../lib/leaves.ts";

const require = createRequire(import.meta.url);
const { verifyCheckpoint } = require("@sigstore/verify/dist/tlog/checkpoint.js");
const { verifyMerkleInclusion } = require("@sigstore/verify/dist/tlog/merkle.js");

interface Proof {
  leaf: Buffer;
  index: bigint;
  path: Buffer[];
  note: string;
}

interface Log {
  logID: Buffer;
  baseURL: string;
  publicKey: KeyObject;
}

const frozen = join(import.meta.dirname, "../../ledger/tests/vectors/countersign-v1");
const directory = process.env.COUNTERSIGN_EXPORT ?? frozen;
const proofFile = process.env.COUNTERSIGN_PROOF ?? join(frozen, "decision.resolved.tlog-proof");

const log = readLog(readFileSync(join(directory, "trust-policy.txt"), "utf8"));
const proof = readProof(readFileSync(proofFile, "utf8"));

test("sigstore accepts the proof", () => accept(proof, log));

const mutations: [string, (proof: Proof) => Proof][] = [
  ["a bit of the leaf", (proof) => ({ ...proof, leaf: flip(proof.leaf, proof.leaf.length >> 1) })],
  ["a bit of the first hash of the path", (proof) => ({ ...proof, path: [flip(proof.path[0]!, 5), ...proof.path.slice(1)] })],
  ["a bit of the last hash of the path", (proof) => ({ ...proof, path: [...proof.path.slice(0, -1), flip(proof.path.at(-1)!, 31)] })],
  ["two hashes of the path changing places", (proof) => ({ ...proof, path: [proof.path[1]!, proof.path[0]!, ...proof.path.slice(2)] })],
  ["a missing hash", (proof) => ({ ...proof, path: proof.path.slice(1) })],
  ["a hash too many", (proof) => ({ ...proof, path: [...proof.path, proof.path[0]!] })],
  ["the index below", (proof) => ({ ...proof, index: proof.index - 1n })],
  ["an index beyond the size", (proof) => ({ ...proof, index: 1n << 40n })],
  ["another size", (proof) => ({ ...proof, note: line(proof.note, 1, (size) => String(BigInt(size) + 1n)) })],
  ["a bit of the root", (proof) => ({ ...proof, note: line(proof.note, 2, (root) => flip(Buffer.from(root, "base64"), 3).toString("base64")) })],
  ["another origin", (proof) => ({ ...proof, note: line(proof.note, 0, (origin) => `${origin}0`) })],
  ["a bit of the signature", (proof) => ({ ...proof, note: line(proof.note, 4, (text) => text.replace(/\S+$/, (signature) => flip(Buffer.from(signature, "base64"), 20).toString("base64"))) })],
];

for (const [name, change] of mutations) {
  test(`sigstore refuses ${name}`, () => {
    assert.throws(() => accept(change(proof), log), { name: /Error/ });
  });
}

test("sigstore refuses another key", () => {
  const other = { ...log, publicKey: createPublicKey({ key: spki(Buffer.alloc(32, 9)), format: "der", type: "spki" }) };
  assert.throws(() => accept(proof, other));
});

test("every leaf and statement is what another RFC 8785 writer makes of it", () => {
  const leaves = readLeaves(join(directory, "tile/entries"));
  const statements = existsSync(join(directory, "statements")) ? readdirSync(join(directory, "statements")) : [];
  const documents = [...leaves, ...statements.map((name) => readFileSync(join(directory, "statements", name)))];
  assert.ok(leaves.length > 0);
  for (const document of documents) {
    const text = document.toString("utf8");
    assert.equal(canonicalize(JSON.parse(text)), text);
  }
});

function accept(proof: Proof, log: Log) {
  const inclusionProof = {
    checkpoint: { envelope: proof.note },
    hashes: proof.path,
    logIndex: String(proof.index),
  };
  const entry = { inclusionProof, canonicalizedBody: proof.leaf };
  verifyMerkleInclusion(entry, verifyCheckpoint(entry, [log]));
}

function readProof(text: string): Proof {
  const end = text.indexOf("\n\n");
  const [header, extra, index, ...path] = text.slice(0, end).split("\n");
  assert.equal(header, "c2sp.org/tlog-proof@v1");
  return {
    leaf: Buffer.from(extra!.replace(/^extra /, ""), "base64"),
    index: BigInt(index!.replace(/^index /, "")),
    path: path.map((hash) => Buffer.from(hash, "base64")),
    note: text.slice(end + 2),
  };
}

/** The first log of a trust policy. Only the first two `+` of a vkey separate. */
function readLog(policy: string): Log {
  const vkey = policy.split("\n")[0]!.replace(/^log /, "").split(" ")[0]!;
  const [, name, id, key] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey)!;
  const publicKey = createPublicKey({ key: spki(Buffer.from(key!, "base64").subarray(1)), format: "der", type: "spki" });
  return { logID: Buffer.from(id!, "hex"), baseURL: name!, publicKey };
}

/** An Ed25519 public key as X.509 has it (RFC 8410). */
function spki(key: Buffer): Buffer {
  return Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]);
}

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 1;
  return changed;
}

function line(text: string, number: number, change: (line: string) => string): string {
  const lines = text.split("\n");
  lines[number] = change(lines[number]!);
  return lines.join("\n");
}
