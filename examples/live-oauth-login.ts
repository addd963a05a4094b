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
  type SessionStatus,
} from "@codex-authd/client";
import { openPlace, type Place } from "./live-place.js";
import { parseSwitches, type Switches, USAGE, UsageError } from "./live-switches.js";
import { say, showFacts, showHeading } from "./narration.js";

const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 };

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
    if (!(error instanceof UsageError || error instanceof AuthError || error instanceof ClientError))
      throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

async function tour(switches: Switches): Promise<void> {
  await using place = await openPlace(switches);
  const { auth, description } = place;
  const session = { signal: interrupt.signal };
  showHeading("Status");
  showFacts({ "Codex home": description });
  const before = await auth.getStatus(session);
  showStatus(before);
  if (before.state !== "active" && !switches.interactive) {
    say("", "SKIPPED: nobody is logged in here, and to log in needs a person. Add --interactive.");
    return;
  }
  if (before.state !== "active") await logIn(place, switches, session);
  await useToken(auth, session);
}

/** Ctrl-C cancels the login at the daemon too. */
async function logIn({ auth }: Place, switches: Switches, session: CallOptions): Promise<void> {
  showHeading("Log in");
  const { flow, callbackPort, noBrowser } = switches;
  const status = await auth.login({
    ...session,
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

/** A program keeps no token: it asks whenever it needs one, and says which one was refused when one was. */
async function useToken(auth: AuthClient, session: CallOptions): Promise<void> {
  showHeading("Token");
  const first = await auth.getAccessToken({ ...session, minValidityMs: MIN_VALIDITY_MS });
  showFacts({
    account: first.accountId ?? "unknown",
    "valid until": timeOf(first.expiresAtMs),
    "SHA-256": fingerprint(first.accessToken),
  });
  showHeading("Forced refresh");
  await auth.refresh({ ...session, rejectedToken: fingerprint(first.accessToken) });
  const next = await auth.getAccessToken(session);
  const isOther = next.accessToken !== first.accessToken;
  say(`  ${isOther ? "Another token" : "The same token"}, valid until ${timeOf(next.expiresAtMs)}.`);
}

function showStatus({ state, reason, email, planType, storage, expiresAtMs }: SessionStatus): void {
  showFacts({ state: reason === null ? state : `${state}: ${reason}` });
  if (state !== "active") return;
  showFacts({ who: `${email}, plan ${planType}`, storage, "valid until": timeOf(expiresAtMs) });
}

function timeOf(atMs: number | null): string {
  return atMs === null ? "unknown" : new Date(atMs).toISOString();
}
