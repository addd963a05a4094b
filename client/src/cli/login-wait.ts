/** What happens at the terminal while a login waits for the person. */
import type { AuthClient } from "../auth-client.js";
import type { PendingLogin } from "../call-options.js";
import { PASTE_PROMPT } from "./login-view.js";
import type { Output } from "./output.js";
import { completeFromInput } from "./paste.js";
import { startProgress } from "./progress.js";
import type { Terminal } from "./terminal.js";

/** A redirect takes seconds after the person agreed; after this the browser may be on another machine. */
const OFFER_PASTE_AFTER_MS = 60_000;

export interface WaitOptions {
  readonly client: AuthClient;
  readonly terminal: Terminal;
  readonly output: Output;
  /** Ask for the address at once. */
  readonly paste: boolean;
  /** Told why a pasted address ends the login. */
  readonly onFailure: (error: unknown) => void;
}

/** A spinner, or at once with `paste`, later of itself, a place to paste the address into. The result ends all of it. */
export async function startWaiting(pending: PendingLogin, options: WaitOptions): Promise<() => void> {
  const { terminal, output, paste } = options;
  const ended = new AbortController();
  if (paste) {
    askForPaste(pending, options, ended.signal);
    return () => ended.abort();
  }
  if (output.isJson) return () => undefined;
  const text =
    pending.flow === "browser" ? "Waiting for the browser," : "Waiting for the code to be entered,";
  const progress = await startProgress(terminal, text, pending.expiresAtMs);
  const offerPaste = (): void => {
    progress.stop();
    askForPaste(pending, options, ended.signal);
  };
  const stopTimer = terminal.stdin.isTTY
    ? terminal.clock.setTimer(OFFER_PASTE_AFTER_MS, offerPaste)
    : undefined;
  return () => {
    stopTimer?.();
    progress.stop();
    ended.abort();
  };
}

/** In the background: the redirect may still arrive, and then the login ends without it. */
function askForPaste(
  pending: PendingLogin,
  { client, terminal, output, onFailure }: WaitOptions,
  signal: AbortSignal,
): void {
  if (pending.flow !== "browser") return;
  const { loginId, redirectUri } = pending;
  const complete = (url: string): Promise<unknown> => client.completeLogin(loginId, url);
  output.note(...PASTE_PROMPT);
  completeFromInput(terminal.stdin, { redirectUri, output, signal, complete }).catch(onFailure);
}
