// A certified OpenID provider on this machine, with accounts and groups that a spec changes.
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

export const CLIENT_ID = "countersign";
export const CLIENT_SECRET = "a-secret-of-the-spec-that-is-long-enough";

/** By a secret, or by a key that the installation publishes. */
export type KnownBy = "client_secret_basic" | "private_key_jwt";

export interface IdentityProvider {
  readonly issuer: string;
  /** Groups of each account; an unknown name signs in without any. */
  readonly groups: Map<string, string[]>;
  /** How each logout token that it sent was taken: `done`, or why not. */
  readonly logouts: string[];
  /** Tells it which installation it serves, and by what it knows it; a fresh key signs from then on. */
  serve(origin: string, knownBy?: KnownBy): void;
  /** Ends every connection and takes no more, as a broken machine would. */
  fail(): Promise<void>;
  /** Answers again at the same address. */
  recover(): Promise<void>;
  stop(): Promise<void>;
}

export async function startProvider(): Promise<IdentityProvider> {
  const groups = new Map<string, string[]>();
  const logouts: string[] = [];
  let answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  let server: Server;
  const listen = (port: number) =>
    new Promise<number>((resolve, reject) => {
      server = createServer((request, response) => answer?.(request, response));
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const port = await listen(0);
  // Cookies know hosts, not ports: signing out at 127.0.0.1 would clear a provider that has the same host.
  const issuer = `http://localhost:${port}`;

  return {
    issuer,
    groups,
    logouts,
    serve(origin, knownBy = "client_secret_basic") {
      const provider = configured(issuer, origin, groups, knownBy);
      provider.on("backchannel.success", () => logouts.push("done"));
      provider.on("backchannel.error", (_context: unknown, error: Error) => logouts.push(error.message));
      answer = handler(provider);
    },
    fail: close,
    async recover() {
      await listen(port);
    },
    stop: close,
  };
}

function configured(issuer: string, origin: string, groups: Map<string, string[]>, knownBy: KnownBy): Provider {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: `key-${Date.now()}`, use: "sig", alg: "RS256" };
  return new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        ...(knownBy === "private_key_jwt"
          ? { jwks_uri: `${origin}/client-keys/company`, token_endpoint_auth_signing_alg: "ES256" }
          : { client_secret: CLIENT_SECRET }),
        redirect_uris: [`${origin}/callback/company`],
        post_logout_redirect_uris: [`${origin}/signed-out/company`],
        backchannel_logout_uri: `${origin}/backchannel-logout/company`,
        backchannel_logout_session_required: true,
        grant_types: ["authorization_code"],
        response_types: ["code"],
        token_endpoint_auth_method: knownBy,
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["cookies-of-the-spec"] },
    scopes: ["openid", "profile", "groups"],
    claims: { openid: ["sub", "auth_time", "sid"], profile: ["name"], groups: ["groups"] },
    pkce: { required: () => true },
    // By itself it sends nothing to this machine, where the installation under test is.
    fetch: (address: string, { dispatcher: _guarded, ...options }: RequestInit & { dispatcher?: unknown }) =>
      globalThis.fetch(address, options),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(context: { body: string }, form: string) {
          const button = `<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out there</button>`;
          context.body = page("Sign out?", `${form}${button}`);
        },
        postLogoutSuccessSource(context: { body: string }) {
          context.body = page("Signed out there", "");
        },
      },
    },
    interactions: { url: (_context: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id, name: `Name of ${id}`, groups: groups.get(id) ?? [] }),
    }),
    // Nobody is asked for consent: the company is asked when it registers the application.
    async loadExistingGrant(context: Context) {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId,
        accountId: context.oidc.session.accountId,
      });
      grant.addOIDCScope("openid profile groups");
      await grant.save();
      return grant;
    },
  });
}

interface Context {
  oidc: {
    provider: { Grant: new (of: { clientId: string; accountId: string }) => Grant };
    client: { clientId: string };
    session: { accountId: string };
  };
}

interface Grant {
  addOIDCScope(scope: string): void;
  save(): Promise<string>;
}

function handler(provider: Provider): (request: IncomingMessage, response: ServerResponse) => void {
  const rest = provider.callback();
  return (request, response) => {
    if (request.url === "/favicon.ico") return void response.writeHead(204).end();
    if (!request.url?.startsWith("/interaction/")) return rest(request, response);
    void interact(provider, request, response).catch((error) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  };
}

/** Asks for a name and believes it. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "POST") {
    let body = "";
    for await (const chunk of request) body += chunk;
    const accountId = new URLSearchParams(body).get("login") ?? "";
    await provider.interactionFinished(request, response, { login: { accountId } });
    return;
  }
  response.setHeader("content-type", "text/html; charset=utf-8");
  const form = `<form method="post"><label>Account <input name="login"></label> <button>Sign in there</button></form>`;
  response.end(page("Provider", form));
}

function page(title: string, body: string): string {
  const icon = `<link rel="icon" href="data:,">`;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>${icon}</head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}
