/** A login that a command can begin with: there already, refreshed in time, or made now by the person at the terminal. */
import { isatty } from "node:tty";
import { AuthError, type SessionStatus } from "@codex-authd/shared";
import type { CommandScope } from "./command-scope.js";
import { logIn } from "./commands/login.js";
import { printable } from "./format.js";

/** Codex refreshes by itself from 5 minutes before `exp` on (codex-cli 0.169); it shall find a token that is good for longer. */
const MIN_VALIDITY_MS = 360_000;

const STDIN = 0;
const STDERR = 2;

/**
 * Answers the session that the command will use. A credential that is none of ours, and a login that cannot be refreshed
 * just now, are left to Codex, with a word on stderr.
 * @throws AuthError ERR_LOGIN_REQUIRED, ERR_REFRESH_REJECTED without a terminal; what a login throws
 */
export async function ensureLogin(scope: CommandScope): Promise<SessionStatus> {
  const { client, selector } = scope;
  try {
    await client.getAccessToken({ ...selector, minValidityMs: MIN_VALIDITY_MS });
  } catch (error) {
    await mend(scope, error);
  }
  return client.getStatus(selector);
}

async function mend(scope: CommandScope, error: unknown): Promise<void> {
  if (!(error instanceof AuthError)) throw error;
  const { output } = scope;
  if (error.code === "ERR_NOT_MANAGED" || error.isRetryable) {
    output.note(`${output.styleNote("yellow", "warning:")} ${printable(error.message)}`);
  } else if (needsLogin(error) && isPersonThere()) {
    output.note(printable(error.message), "");
    await logIn(scope);
  } else {
    throw error;
  }
}

function needsLogin({ code }: AuthError): boolean {
  return code === "ERR_LOGIN_REQUIRED" || code === "ERR_REFRESH_REJECTED";
}

/** Somebody who sees the words and can answer. Asked of the descriptors: a pipe for the command must not be opened by us. */
function isPersonThere(): boolean {
  return isatty(STDIN) && isatty(STDERR);
}
