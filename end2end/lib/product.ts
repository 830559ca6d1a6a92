// What the specs ask of an identity product: the real programs that people run, started on this machine.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import type { Page } from "playwright-core";

export const CLIENT_ID = "countersign";
export const CLIENT_SECRET = "a-secret-of-the-spec-that-is-long-enough";

export interface Product {
  /** Its name and version, as it says itself. */
  readonly name: string;
  readonly issuer: string;
  /** What is asked for beside `openid`, as typed on the admin page. */
  readonly scopes: string;
  /** Somebody who can sign in there. */
  readonly account: string;
  /** Groups that the account is in whatever a spec does. */
  readonly fixedGroups: string[];
  /** Whether it tells other applications of its sign-outs. */
  readonly backChannel: boolean;
  /** Fills its sign-in form. */
  signIn(page: Page): Promise<void>;
  /** Answers what it asks when an application sends somebody there to sign out. */
  confirmSignOut(page: Page): Promise<void>;
  /** Signs out on its own pages, without any application. */
  signOut(page: Page): Promise<void>;
  /** Puts the account into exactly these groups. */
  setGroups(groups: string[]): Promise<void>;
  /** Kills it, as a broken machine would. */
  fail(): Promise<void>;
  /** Starts it again at the same address, with the same keys and people. */
  recover(): Promise<void>;
  /** Ends it and removes all it wrote. */
  stop(): Promise<void>;
}

/** A program with all it started, and what it printed. */
export interface Running {
  end(): Promise<void>;
}

const START_MS = 60_000;
const END_MS = 10_000;

/** Starts a program and waits until it answers an address with success. */
export async function run(command: string, args: string[], env: NodeJS.ProcessEnv, answers: string): Promise<Running> {
  const lines: string[] = [];
  // A group of its own, so that its workers end with it.
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let gone: string | undefined;
  child.once("error", (error) => (gone = error.message));
  child.once("exit", (code, signal) => (gone = `it ended (${code ?? signal})`));
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => lines.push(String(data)));
  const end = () => endGroup(child);

  const until = Date.now() + START_MS;
  for (;;) {
    if (gone === undefined && (await succeeds(answers))) return { end };
    if (gone !== undefined || Date.now() > until) {
      await end();
      throw new Error(`${command} does not answer at ${answers}: ${gone ?? "too late"}\n${lines.join("").slice(-4_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function succeeds(address: string): Promise<boolean> {
  try {
    return (await fetch(address, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    return false;
  }
}

async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const signal = (name: NodeJS.Signals) => {
    try {
      return process.kill(-pid, name);
    } catch {
      return false;
    }
  };
  const over = Date.now() + END_MS;
  signal("SIGTERM");
  // The group lives as long as any of its processes.
  while (Date.now() < over && groupLives(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
  signal("SIGKILL");
}

function groupLives(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

/** What the set-up of `cargo xtask test --full` says about a program. */
export function installed(variable: string): string {
  const place = process.env[variable];
  if (!place) throw new Error(process.env[`${variable}_MISSING`] ?? `${variable} names nothing. Run: cargo xtask setup --full`);
  return place;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      probe.close(() => resolve(address.port));
    });
  });
}
