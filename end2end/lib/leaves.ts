// Reads the entries out of an export: bundles of leaves, each with its length in two bytes before it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The bytes of every leaf under a `tile/entries` directory, bundle by bundle. */
export function readLeaves(directory: string): Buffer[] {
  const leaves: Buffer[] = [];
  for (const name of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const bundle = readFileSync(join(name.parentPath, name.name));
    for (let at = 0; at < bundle.length; ) {
      const length = bundle.readUInt16BE(at);
      leaves.push(bundle.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return leaves;
}
