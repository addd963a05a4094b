/**
 * A first program with the client library: who is logged in, log in if somebody is there, take a token, have it refreshed.
 * By default it works in a Codex home of its own, which goes at the end, so that nothing of yours is touched.
 */
import {
  type AuthClient,
  AuthError,
  type CallOptions,
  ClientError,
  fingerprint,
  type PendingLogin,
  type SessionSelector,
  type SessionStatus,
} from "@codex-authd/client";
import { AppServerError } from "@codex-authd/client/app-server";
import { hostAppServer } from "./live-app-server.js";
import { openPlace, type Place } from "./live-place.js";
import { parseSwitches, type Switches, USAGE, UsageError } from "./live-switches.js";
import { say, showFacts, showHeading } from "./narration.js";

/** Whose login, and what ends the waiting. */
type Calls = SessionSelector & CallOptions;

const IN_MEMORY = { storage: "memory", sessionName: "live-oauth-login" } as const;

const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 };

/** Failures that say what to do. */
const EXPECTED = [AppServerError, AuthError, ClientError, UsageError];

/** Long enough for the example to be done with it. */
const MIN_VALIDITY_MS = 60_000;

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort());

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const switches = parseSwitches(process.argv.slice(2), process.env.CODEX_OAUTH_EXAMPLE_HOME);
    if (switches.help) say(USAGE);
    else await tour(switches);
    return EXIT.done;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    if (!(error instanceof Error && EXPECTED.some((kind) => error instanceof kind))) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

async function tour(switches: Switches): Promise<void> {
  await using place = await openPlace(switches);
  const { auth, env, description } = place;
  const session = switches.appServerMemory ? IN_MEMORY : {};
  const calls = { ...session, signal: interrupt.signal };
  showHeading("Status");
  showFacts({ "Codex home": description });
  const before = await auth.getStatus(calls);
  showStatus(before);
  if (before.state !== "active" && !switches.interactive) {
    say("", "SKIPPED: nobody is logged in here, and to log in needs a person. Add --interactive.");
    return;
  }
  if (before.state !== "active") await logIn(place, switches, calls);
  const token = await takeToken(auth, calls);
  if (switches.appServerMemory) {
    await hostAppServer({ auth, env, session: IN_MEMORY, token, signal: interrupt.signal });
  } else {
    await refreshToken(auth, calls, token);
  }
}

/** Ctrl-C cancels the login at the daemon too. */
async function logIn({ auth }: Place, switches: Switches, calls: Calls): Promise<void> {
  showHeading("Log in");
  const { flow, callbackPort, noBrowser } = switches;
  const status = await auth.login({
    ...calls,
    flow,
    callbackPort,
    onAuthorization: showAuthorization,
    openBrowser: noBrowser ? false : undefined,
    onBrowserFailure: (reason) => say(`  No browser could be opened (${reason}). Open the address yourself.`),
  });
  showStatus(status);
}

function showAuthorization(pending: PendingLogin): void {
  for (const warning of pending.warnings) say(`  warning: ${warning}`);
  if (pending.flow === "browser") {
    say(`  Open ${pending.authorizationUrl}`);
  } else {
    say(`  Open ${pending.verificationUri}`, `  and enter the code ${pending.userCode}`);
    say("  Continue only if you started this login. If somebody gave you the code, cancel.");
  }
}

/** A program keeps no token: it asks whenever it needs one. */
async function takeToken(auth: AuthClient, calls: Calls): Promise<string> {
  showHeading("Token");
  const { accessToken, accountId, expiresAtMs } = await auth.getAccessToken({
    ...calls,
    minValidityMs: MIN_VALIDITY_MS,
  });
  showFacts({
    account: accountId ?? "unknown",
    "valid until": timeOf(expiresAtMs),
    "SHA-256": fingerprint(accessToken),
  });
  return accessToken;
}

/** It names the token that was refused, so that of many who were, one alone costs an exchange. */
async function refreshToken(auth: AuthClient, calls: Calls, refused: string): Promise<void> {
  showHeading("Forced refresh");
  await auth.refresh({ ...calls, rejectedToken: fingerprint(refused) });
  const { accessToken, expiresAtMs } = await auth.getAccessToken(calls);
  const isOther = accessToken !== refused;
  say(`  ${isOther ? "Another token" : "The same token"}, valid until ${timeOf(expiresAtMs)}.`);
}

function showStatus({ state, reason, email, planType, storage, expiresAtMs }: SessionStatus): void {
  showFacts({ state: reason === null ? state : `${state}: ${reason}` });
  if (state !== "active") return;
  showFacts({ who: `${email}, plan ${planType}`, storage, "valid until": timeOf(expiresAtMs) });
}

function timeOf(atMs: number | null): string {
  return atMs === null ? "unknown" : new Date(atMs).toISOString();
}
