/**
 * A program with a login screen of its own. The daemon says what to show, the program shows it, opens what it likes and
 * waits as long as it likes; no token passes through the screen.
 *
 * `npm run example own-login-screen` runs it without an account and without the internet.
 */
import { createInterface } from "node:readline";
import { AuthError, createAuthClient, openInBrowser, type PendingLogin } from "@codex-authd/client";

/** How often the screen is drawn again. */
const FRAME_MS = 1_000;

await using auth = createAuthClient();

const before = await auth.getStatus();
if (before.state === "active") {
  console.log(`Already logged in as ${before.email}.`);
} else {
  // Why there is none: never logged in, logged out, or ended by the issuer.
  console.log(before.reason);
  await showLoginScreen(await auth.beginLogin());
}

async function showLoginScreen(pending: PendingLogin): Promise<void> {
  for (const line of wordsOf(pending)) console.log(line);
  if (pending.flow === "browser") await openInBrowser(pending.authorizationUrl);
  const keys = createInterface({ input: process.stdin }).on(
    "line",
    (line) => void obey(pending, line.trim()),
  );
  try {
    console.log(`Welcome, ${await welcome(pending)}.`);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    // Cancelled, denied, expired: the code is for the program, the message for the person.
    console.log(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  } finally {
    keys.close();
  }
}

function wordsOf(pending: PendingLogin): string[] {
  const keys = ["Type c to cancel, or paste the address that the browser ended on."];
  if (pending.flow === "browser") return [`Log in here: ${pending.authorizationUrl}`, ...keys];
  return [`Log in at ${pending.verificationUri}`, `with this code: ${pending.userCode}`, "Type c to cancel."];
}

/** The e-mail of whoever logged in; the time that is left is shown meanwhile. */
async function welcome({ loginId, expiresAtMs }: PendingLogin): Promise<string> {
  for (;;) {
    try {
      return (await auth.awaitLogin({ loginId, timeoutMs: FRAME_MS })).email ?? "whoever you are";
    } catch (error) {
      // Only the wait is over: the login is pending until its own end.
      const isPending = error instanceof AuthError && error.code === "ERR_LOGIN_EXPIRED";
      if (!isPending || Date.now() > expiresAtMs) throw error;
      console.log(`${Math.round((expiresAtMs - Date.now()) / 1000)} s left`);
    }
  }
}

async function obey({ loginId }: PendingLogin, line: string): Promise<void> {
  try {
    if (line === "c") await auth.cancelLogin(loginId);
    else if (line !== "") await auth.completeLogin(loginId, line);
  } catch (error) {
    // What was typed was not the address. The login goes on.
    console.log(error instanceof Error ? error.message : error);
  }
}
