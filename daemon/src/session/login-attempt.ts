/** One attempt to log in: from the authorization request to a stored login, or to the reason why not. */
import { randomUUID } from "node:crypto";
import { AuthError, type EpochMs, type SessionStatus } from "@codex-authd/shared";
import type { Session } from "./session.js";

/** What the person, or the program beside them, needs to go on. */
export type LoginPrompt =
  | { readonly flow: "browser"; readonly authorizationUrl: string; readonly redirectUri: string }
  | { readonly flow: "device"; readonly verificationUri: string; readonly userCode: string };

/** The part of an attempt that differs by flow. */
export interface LoginFlow {
  readonly prompt: LoginPrompt;
  readonly expiresAtMs: EpochMs;
  /** Runs until the login is stored. `signal` aborts it with the AuthError that says why. */
  run(signal: AbortSignal): Promise<SessionStatus>;
  /** Takes the URL that a browser elsewhere ended on; absent where there is none. */
  complete?(redirectUrl: URL): void;
}

export class LoginAttempt {
  readonly id = randomUUID();
  readonly session: Session;
  readonly flow: LoginFlow;
  readonly outcome: Promise<SessionStatus>;
  readonly #abort = new AbortController();
  #isPending = true;

  constructor(session: Session, flow: LoginFlow) {
    this.session = session;
    this.flow = flow;
    this.outcome = flow.run(this.#abort.signal).finally(() => {
      this.#isPending = false;
    });
    // Nobody may be waiting; the outcome is kept for whoever asks later.
    this.outcome.catch(() => {});
  }

  get isPending(): boolean {
    return this.#isPending;
  }

  /** Ends the attempt with `error`; does nothing once it has ended. */
  cancel(error: AuthError): void {
    this.#abort.abort(error);
  }

  /**
   * @throws AuthError ERR_LOGIN_NOT_FOUND when this flow has no redirect, or the URL is none of this login; it goes on
   */
  complete(redirectUrl: string): void {
    const url = URL.canParse(redirectUrl) ? new URL(redirectUrl) : undefined;
    if (!this.flow.complete || !url) {
      throw new AuthError(
        "ERR_LOGIN_NOT_FOUND",
        "That is not the redirect URL of a browser login. Paste the whole address that the browser ended on.",
      );
    }
    this.flow.complete(url);
  }
}

export function loginExpired(): AuthError {
  return new AuthError(
    "ERR_LOGIN_EXPIRED",
    "Nobody finished the login in time. Run `codex-auth login` again.",
  );
}

export function loginCancelled(by: string): AuthError {
  return new AuthError(
    "ERR_LOGIN_CANCELLED",
    `The login was cancelled ${by}. Run \`codex-auth login\` again.`,
  );
}
