// The real server on a free port, with a data directory that goes with it.
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Server {
  /** Such as `http://127.0.0.1:41234`, without a slash at its end. */
  readonly origin: string;
  /** Where database, keys and files live. */
  readonly data: string;
  /** Every line it has printed so far, for tests of what it says and for failures. */
  readonly lines: readonly string[];
  /** Puts its clock forward; it starts again at the right time. */
  later(minutes: number): Promise<void>;
  /** Kills it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Kills it and starts it again. */
  crash(): Promise<void>;
  /** Stops it as an operator would and starts it again on the same data and port. */
  restart(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Start with the demonstration world. */
  demo?: boolean;
  /** Days of invented history; none unless said. */
  days?: number;
  /** The host of its public address, where it is not the bare 127.0.0.1. */
  host?: string;
  /** More arguments for `countersign serve`. */
  args?: string[];
  /** More environment. */
  env?: Record<string, string>;
}

const START_MS = 120_000;
const STOP_MS = 30_000;

/** Starts the program that `cargo xtask test` built and waits for its ready line. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const program = process.env.COUNTERSIGN_SERVER;
  if (!program) {
    throw new Error("COUNTERSIGN_SERVER names no program. Run: cargo xtask test");
  }
  const data = await mkdtemp(join(tmpdir(), "countersign-e2e-"));
  // Started by root, PostgreSQL runs as a user of its own, who must be able to pass.
  await chmod(data, 0o711);
  const port = await freePort();
  const origin = `http://${options.host ?? "127.0.0.1"}:${port}`;
  const lines: string[] = [];
  let child: ChildProcess;

  const start = async () => {
    const args = ["serve", "--data", join(data, "data"), "--port", String(port)];
    if (options.demo) args.push("--demo", "--demo-days", String(options.days ?? 0));
    if (options.host) args.push("--public-origin", origin);
    args.push(...(options.args ?? []));
    child = spawn(program, args, {
      // How full the testing machine's disk is, is not what the specs are about.
      // A review is final at once where a spec does not say otherwise.
      env: { ...process.env, COUNTERSIGN_FREE_MB_MIN: "1", COUNTERSIGN_RETRACT_SECONDS: "0,0,0", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    await ready(child, lines);
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exit;
    clearTimeout(late);
  };

  await start();
  let ahead = 0;
  return {
    origin,
    data: join(data, "data"),
    lines,
    async later(minutes) {
      ahead += minutes;
      const answer = await fetch(`${origin}/test/clock`, {
        method: "POST",
        headers: { "content-type": "application/json", origin },
        body: JSON.stringify({ milliseconds: ahead * 60_000 }),
      });
      if (answer.status !== 204) throw new Error(`the clock was not put forward: ${answer.status}`);
    },
    kill: () => end("SIGKILL"),
    start,
    async crash() {
      await end("SIGKILL");
      await start();
    },
    async restart() {
      await end("SIGTERM");
      await start();
    },
    async stop() {
      await end("SIGTERM");
      await rm(data, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess, lines: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(late);
      child.kill("SIGKILL");
      reject(new Error(`the server ${why}; its last lines:\n${lines.slice(-30).join("\n")}`));
    };
    const late = setTimeout(() => fail(`was not ready after ${START_MS / 1000} s`), START_MS);
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (line.startsWith("ready http")) {
          clearTimeout(late);
          resolve();
        }
      });
    }
    child.once("error", (error) => fail(`did not start (${error.message})`));
    child.once("exit", (code, signal) => fail(`ended early (${code ?? signal})`));
  });
}

function freePort(): Promise<number> {
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
