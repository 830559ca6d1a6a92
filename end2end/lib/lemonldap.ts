// LemonLDAP::NG, an identity portal in Perl, on files in a directory of its own.
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLIENT_ID, CLIENT_SECRET, freePort, installed, type Product, type Running, run } from "./product.ts";

/** Somebody of its demonstration accounts, whose password is the name. */
const ACCOUNT = "dwho";
/** How often each worker looks for a newer configuration. */
const RELOAD_MS = 1_000;
const WORKERS = 3;

/** Starts it with its demonstration accounts and one relying party. */
export async function startLemonldap(origin: string): Promise<Product> {
  const tree = installed("COUNTERSIGN_LEMONLDAP");
  const directory = await mkdtemp(join(tmpdir(), "lemonldap-"));
  const port = await freePort();
  // Cookies know hosts, not ports: signing out at 127.0.0.1 would clear a provider that has the same host.
  const issuer = `http://localhost:${port}`;
  for (const name of ["conf", "sessions/lock", "persistent/lock", "cache"]) {
    await mkdir(join(directory, name), { recursive: true });
  }
  const env = { LLNG_DEFAULTCONFFILE: join(directory, "lemonldap-ng.ini"), HOME: directory };
  await writeFile(env.LLNG_DEFAULTCONFFILE, local(directory, tree));
  await writeFile(join(directory, "portal.psgi"), application(tree));
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const fixed = configuration(issuer, origin, directory, {
    private: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
    public: keys.publicKey.export({ type: "spki", format: "pem" }),
  });
  let number = 0;
  const configure = async (groups: string[]) => {
    number += 1;
    const rules = Object.fromEntries(groups.map((group) => [group, `$uid eq "${ACCOUNT}"`]));
    const file = join(directory, "conf", `lmConf-${number}.json`);
    // Whole or not at all: workers read it while it is written.
    await writeFile(`${file}.part`, JSON.stringify({ ...fixed, cfgNum: number, groups: rules }));
    await rename(`${file}.part`, file);
  };
  await configure([]);
  const start = () =>
    run(
      join(tree, "wrappers/starman"),
      ["--workers", String(WORKERS), "--listen", `127.0.0.1:${port}`, join(directory, "portal.psgi")],
      env,
      `${issuer}/.well-known/openid-configuration`,
    );
  let running: Running = await start();

  return {
    name: `LemonLDAP::NG ${await version(tree)}`,
    issuer,
    scopes: "profile groups",
    account: ACCOUNT,
    fixedGroups: ["timelords", "users"],
    backChannel: true,
    async signIn(page) {
      // Somebody whose sign-in is too old is first asked whether to renew it.
      const [login, renew] = [page.getByPlaceholder("Login"), page.getByRole("button", { name: "Renew session" })];
      await login.or(renew).first().waitFor();
      if (await renew.isVisible()) await renew.click();
      await login.fill(ACCOUNT);
      await page.getByPlaceholder("Password").fill(ACCOUNT);
      await page.getByRole("button", { name: "Connect" }).click();
    },
    async confirmSignOut(page) {
      await page.getByRole("button", { name: "Accept" }).click();
    },
    async signOut(page) {
      await page.goto(`${issuer}/?logout=1`);
    },
    async setGroups(groups) {
      await configure(groups);
      // Every worker must have looked before anybody signs in.
      await new Promise((resolve) => setTimeout(resolve, 2 * RELOAD_MS));
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

async function version(tree: string): Promise<string> {
  const { execFile } = await import("node:child_process");
  const ask = ["-MLemonldap::NG::Portal", "-e", "print $Lemonldap::NG::Portal::VERSION"];
  return new Promise((resolve, reject) => {
    execFile(join(tree, "wrappers/perl"), ask, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

/** What its administrators write in its manager. */
function configuration(issuer: string, origin: string, directory: string, key: { private: string | Buffer; public: string | Buffer }) {
  const files = (name: string) => ({ Directory: join(directory, name), LockDirectory: join(directory, name, "lock") });
  const off = {
    captcha_mail_enabled: 0,
    captcha_register_enabled: 0,
    portalDisplayResetPassword: 0,
    portalDisplayRegister: 0,
  };
  const option = (name: string) => `oidcRPMetaDataOptions${name}`;
  const party = {
    [option("ClientID")]: CLIENT_ID,
    [option("ClientSecret")]: CLIENT_SECRET,
    [option("DisplayName")]: "Countersign",
    [option("IDTokenSignAlg")]: "RS256",
    [option("AccessTokenSignAlg")]: "RS256",
    [option("UserIDAttr")]: "uid",
    [option("RedirectUris")]: `${origin}/callback/company`,
    [option("PostLogoutRedirectUris")]: `${origin}/signed-out/company`,
    [option("RequirePKCE")]: 1,
    // The company is asked when it registers us.
    [option("BypassConsent")]: 1,
    [option("LogoutType")]: "back",
    [option("LogoutUrl")]: `${origin}/backchannel-logout/company`,
    [option("LogoutSessionRequired")]: 1,
  };
  return {
    ...off,
    cfgAuthor: "spec",
    cfgDate: Math.floor(Date.now() / 1_000),
    portal: `${issuer}/`,
    domain: "localhost",
    securedCookie: 0,
    key: "cookies-of-the-spec",
    authentication: "Demo",
    userDB: "Same",
    passwordDB: "Null",
    registerDB: "Null",
    demoExportedVars: { cn: "cn", mail: "mail", uid: "uid" },
    whatToTrace: "uid",
    globalStorage: "Apache::Session::File",
    globalStorageOptions: files("sessions"),
    persistentStorage: "Apache::Session::File",
    persistentStorageOptions: files("persistent"),
    localSessionStorage: "Cache::FileCache",
    localSessionStorageOptions: { cache_root: join(directory, "cache"), namespace: "sessions", default_expires_in: 600 },
    locationRules: { localhost: { default: "accept" } },
    issuerDBOpenIDConnectActivation: 1,
    issuerDBOpenIDConnectRule: 1,
    oidcServiceMetaDataIssuer: issuer,
    oidcServicePrivateKeySig: key.private,
    oidcServicePublicKeySig: key.public,
    oidcServiceKeyIdSig: "key-of-the-spec",
    oidcServiceKeyTypeSig: "RSA",
    oidcRPMetaDataOptions: { [CLIENT_ID]: party },
    oidcRPMetaDataExportedVars: { [CLIENT_ID]: { name: "cn", groups: "groups;string;always" } },
    oidcRPMetaDataOptionsExtraClaims: { [CLIENT_ID]: { groups: "groups" } },
  };
}

/** What stands on the machine beside the configuration. */
function local(directory: string, tree: string): string {
  const cache = `{ 'namespace' => 'config', 'default_expires_in' => 600, 'cache_root' => '${join(directory, "cache")}' }`;
  return `[all]
logger = Lemonldap::NG::Common::Logger::Std
userLogger = Lemonldap::NG::Common::Logger::Std
logLevel = notice
checkTime = ${RELOAD_MS / 1_000}
[configuration]
type = File
dirName = ${join(directory, "conf")}
localStorage = Cache::FileCache
localStorageOptions = ${cache}
[portal]
staticPrefix = /static
templateDir = ${join(tree, "usr/share/lemonldap-ng/portal/templates")}
languages = en
`;
}

/** The portal with the files that a web server before it would serve. */
function application(tree: string): string {
  const files = (place: string) => `Plack::App::File->new(root => '${join(tree, place)}')->to_app`;
  return `use Plack::Builder;
use Plack::App::File;
use Lemonldap::NG::Portal::Main;
my $portal = Lemonldap::NG::Portal::Main->run({});
builder {
  mount '/static' => ${files("usr/share/lemonldap-ng/portal/htdocs/static")};
  mount '/javascript' => ${files("usr/share/javascript")};
  mount '/' => $portal;
};
`;
}
