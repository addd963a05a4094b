/** A real `codex app-server` that works with a login it never has on disk: external tokens, kept fresh from the daemon. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type AuthClient, fingerprint } from "@codex-authd/client";
import { type AppServer, connectAppServer } from "@codex-authd/client/app-server";
import { say, showFacts, showHeading } from "./narration.js";

export interface Hosting {
  readonly auth: AuthClient;
  /** Environment of the app-server; `CODEX_HOME` names its Codex home. */
  readonly env: NodeJS.ProcessEnv;
  /** Whose login it gets, in the daemon's memory. */
  readonly session: { readonly storage: "memory"; readonly sessionName: string };
  /** The access token that the session has as yet. */
  readonly token: string;
  readonly signal: AbortSignal;
}

const CLIENT_INFO = { name: "live-oauth-login", title: null, version: "0.1.0" };

const LOOK_MS = 50;

/** @throws Error when a token is in the app-server's Codex home */
export async function hostAppServer(hosting: Hosting): Promise<void> {
  showHeading("App-server");
  const last = await useAppServer(hosting);
  const home = hosting.env.CODEX_HOME ?? "";
  const found = filesWith(home, [hosting.token, last]);
  if (found.length > 0) throw new Error(`A token is on disk: ${found.join(", ")}`);
  say(`  It has ended, and no file in ${home} holds a token.`);
}

/** Answers the token that the app-server had in the end. */
async function useAppServer(hosting: Hosting): Promise<string> {
  const { auth, env: processEnv, session, token, signal } = hosting;
  const oauth = { ...session, interactive: false };
  const options = { auth, processEnv, oauth, signal, clientInfo: CLIENT_INFO, experimentalApi: true };
  await using server = await connectAppServer(options);
  server.on("authFailure", ({ message }) => say(`  ${message}`));
  const { account } = await server.request("account/read", {}, { signal });
  showFacts({ account: `${account?.email}, plan ${account?.planType}` });
  const current = await tokenOf(server);
  if (current !== token) {
    say("  Its token was refused (401). It asked for a fresh one, and got it.");
    return current;
  }
  await auth.refresh({ ...session, rejectedToken: fingerprint(token), signal });
  const pushed = await otherTokenOf(server, { token, signal });
  say("  The daemon refreshed its token, and it got the new one without asking.");
  return pushed;
}

/** The token that the app-server works with. */
async function tokenOf(server: AppServer): Promise<string> {
  const { authToken } = await server.request("getAuthStatus", { includeToken: true, refreshToken: null });
  return authToken ?? "";
}

/** Another than `token`, as soon as it is there. */
async function otherTokenOf(
  server: AppServer,
  { token, signal }: { token: string; signal: AbortSignal },
): Promise<string> {
  for (;;) {
    const current = await tokenOf(server);
    if (current !== token) return current;
    await delay(LOOK_MS, undefined, { signal });
  }
}

function filesWith(folder: string, secrets: readonly string[]): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return paths.filter((path) => {
    const content = readFileSync(path);
    return secrets.some((secret) => content.includes(secret));
  });
}
