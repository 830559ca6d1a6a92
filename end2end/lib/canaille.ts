// Canaille, an identity server in Python, on SQLite in a directory of its own.
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { CLIENT_ID, CLIENT_SECRET, freePort, installed, type Product, type Running, run } from "./product.ts";

const execute = promisify(execFile);
const PASSWORD = "a long enough phrase";

/** Where Canaille pushes people and groups. */
export interface ScimTarget {
  /** Address under which `/Users` and `/Groups` are. */
  base: string;
  /** The bearer token that the target takes. */
  token: string;
}

export interface CanailleOptions {
  /** The installation that people sign in to. */
  origin: string;
  /** Where it answers; a free port when it does not matter. */
  port?: number;
  /** Also pushes every change of people and groups there. */
  scim?: ScimTarget;
}

/** Starts it with one person who can sign in, and a client for an installation. */
export async function startCanaille({ origin, port: wanted, scim }: CanailleOptions): Promise<Product> {
  const program = join(dirname(installed("COUNTERSIGN_CANAILLE")), "canaille");
  const directory = await mkdtemp(join(tmpdir(), "canaille-"));
  const port = wanted ?? (await freePort());
  // Cookies know hosts, not ports: signing out at 127.0.0.1 would clear a provider that has the same host.
  const issuer = `http://localhost:${port}`;
  const env = { CANAILLE_CONFIG: join(directory, "config.toml"), HOME: directory, TZ: "UTC" };
  await writeFile(env.CANAILLE_CONFIG, configuration(port, directory, scim !== undefined));
  const canaille = async (...args: string[]) => (await execute(program, args, { env: { ...process.env, ...env } })).stdout;
  const account = "dora";
  const groups = new Set<string>();

  await canaille("db", "upgrade");
  if (scim) await scimClient(canaille, scim);
  const named = ["--given-name", "Dora", "--family-name", "Dee", "--formatted-name", "Name of dora"];
  await canaille("create", "user", "--user-name", account, "--password", PASSWORD, "--emails", "dora@spec.example", ...named);
  // Canaille has no empty groups: somebody stays in each.
  await canaille("create", "user", "--user-name", "filler", "--family-name", "Filler", "--emails", "filler@spec.example");
  await canaille("create", "client", ...client(origin));
  // Its tokens name nobody unless told whom.
  await canaille("set", "client", CLIENT_ID, "--audience", CLIENT_ID);
  const start = () =>
    run(program, ["run", "--bind", `127.0.0.1:${port}`], env, `${issuer}/.well-known/openid-configuration`);
  let running: Running = await start();

  return {
    name: (await canaille("--version")).trim(),
    issuer,
    scopes: "profile groups",
    account,
    fixedGroups: [],
    backChannel: false,
    async signIn(page) {
      // Somebody whom it knows is asked for the password alone.
      const [login, password] = [page.getByLabel("Login"), page.getByRole("textbox", { name: "Password" })];
      await login.or(password).first().waitFor();
      if (await login.isVisible()) {
        await login.fill(account);
        await page.getByRole("button", { name: "Continue" }).click();
      }
      await password.fill(PASSWORD);
      await page.getByRole("button", { name: "Sign in" }).click();
    },
    async confirmSignOut(page) {
      await page.getByRole("button", { name: /log ?out|sign ?out/i }).click();
    },
    async signOut(page) {
      await page.goto(`${issuer}/logout`);
    },
    async setGroups(wanted) {
      for (const group of new Set([...groups, ...wanted])) {
        const members = wanted.includes(group) ? [account, "filler"] : ["filler"];
        const as = members.flatMap((member) => ["--members", member]);
        if (groups.has(group)) await canaille("set", "group", group, ...as);
        else await canaille("create", "group", "--display-name", group, ...as);
        groups.add(group);
      }
    },
    fail: () => running.end(),
    async recover() {
      running = await start();
    },
    async stop() {
      await running.end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function client(origin: string): string[] {
  return [
    ...["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET, "--client-name", "Countersign"],
    // Of a trusted domain, so that nobody is asked for consent: the company is asked when it registers us.
    ...["--client-uri", origin, "--redirect-uris", `${origin}/callback/company`],
    ...["--post-logout-redirect-uris", `${origin}/signed-out/company`],
    ...["--token-endpoint-auth-method", "client_secret_basic", "--grant-types", "authorization_code"],
    ...["--response-types", "code", "--scope", "openid", "--scope", "profile", "--scope", "groups"],
  ];
}

/**
 * Canaille pushes to each trusted client at the client's own address, and shows there an access token
 * that it keeps for that client: the target's token is put in its place.
 */
async function scimClient(canaille: (...args: string[]) => Promise<string>, scim: ScimTarget): Promise<void> {
  await canaille("create", "client", "--client-id", "scim", "--client-name", "Directory push", "--client-uri", scim.base);
  const issued = ["--issue-date", new Date().toISOString(), "--lifetime", String(365 * 86_400)];
  await canaille("create", "token", "--token-id", "scim", "--access-token", scim.token, "--client", "scim", ...issued);
}

function configuration(port: number, directory: string, pushes: boolean): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: "key-of-the-spec", use: "sig", alg: "RS256" };
  const members = Object.entries(key).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return `
SECRET_KEY = "cookies-of-the-spec"
SERVER_NAME = "localhost:${port}"
PREFERRED_URL_SCHEME = "http"

[CANAILLE]
DATABASE = "sql"
LANGUAGE = "en"
CAPTCHA_ENABLED = false
ENABLE_PASSWORD_RECOVERY = false

[CANAILLE_SQL]
DATABASE_URI = ${JSON.stringify(`sqlite:///${join(directory, "canaille.sqlite")}`)}

[CANAILLE_OIDC]
TRUSTED_DOMAINS = ["127.0.0.1"]
ACTIVE_JWKS = [{ ${members.join(", ")} }]

[CANAILLE_OIDC.USERINFO_MAPPING]
# The id that its SCIM messages carry as externalId.
SUB = "{{ user.id }}"

[CANAILLE_SCIM]
ENABLE_CLIENT = ${pushes}
`;
}
