// What the operator does at the command line of a running installation.
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
export const TYPES = new URL("../../server/demo/airline-types.json", import.meta.url).pathname;

function program(): string {
  return process.env.COUNTERSIGN_SERVER ?? "countersign";
}

/** Registers a system and the airline's decision types, and returns a key of the system. */
export async function issueKey(data: string, system: string): Promise<string> {
  await run(program(), ["type", "define", TYPES, "--data", data]);
  return keyOf(data, system);
}

/** Registers a system where the types are known already, and returns a key of it. */
export async function keyOf(data: string, system: string): Promise<string> {
  await run(program(), ["system", "register", system, "--data", data]);
  const { stdout } = await run(program(), ["key", "create", "--system", system, "--data", data]);
  return stdout.trim().split("\n").at(-1) ?? "";
}

/** Runs a command and returns what it printed; a status above 0 is not a failure here. */
export async function command(...args: string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program(), args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.once("error", reject);
    child.once("exit", (status) => resolve({ status: status ?? 1, output }));
  });
}

/** Proposes something, unless told that a reservation be cancelled, as an agent does; returns the id of the decision. */
export async function propose(
  origin: string,
  key: string,
  name: string,
  action: object = { type: "reservation.cancel", parameters: { reservation_id: name } },
  beside: object = {},
): Promise<string> {
  const answer = await fetch(`${origin}/api/v1/decisions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": name },
    body: JSON.stringify({
      mode: "propose",
      action,
      rationale: "The customer asked for it.",
      ...beside,
    }),
  });
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
}

/** Reports what became of a decision, in full, as its agent does. */
export async function report(origin: string, key: string, id: string, result: string): Promise<void> {
  const answer = await fetch(`${origin}/api/v1/decisions/${id}/outcomes`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": `${id}:${result}` },
    body: JSON.stringify({ result, effect: "full" }),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}
