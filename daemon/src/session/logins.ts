/** The login attempts of this daemon: begun, waited for, completed by hand, cancelled. At most one pending per session. */
import {
  AuthError,
  type Clock,
  type EpochMs,
  type MethodResult,
  type SessionStatus,
} from "@codex-authd/shared";
import { LoginAttempt, type LoginFlow, loginCancelled, loginExpired } from "./login-attempt.js";
import type { Session } from "./session.js";

/** How long the outcome of an ended attempt can be asked for. */
const OUTCOME_KEPT_MS = 600_000;

export interface LoginChange {
  readonly attempt: LoginAttempt;
  readonly state: "pending" | "loggedIn" | "failed";
  readonly error: AuthError | null;
}

export class Logins {
  readonly #clock: Clock;
  readonly #onChange: (change: LoginChange) => void;
  readonly #attempts = new Map<string, LoginAttempt>();
  readonly #endedAtMs = new Map<string, EpochMs>();

  constructor(clock: Clock, onChange: (change: LoginChange) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Runs a new attempt; an older one of the same session is cancelled, and whoever waits for it is told. */
  begin(session: Session, flow: LoginFlow): LoginAttempt {
    this.#forgetOld();
    this.#pendingOf(session)?.cancel(loginCancelled("because a newer one was started"));
    const attempt = new LoginAttempt(session, flow);
    this.#attempts.set(attempt.id, attempt);
    const stopTimer = this.#clock.setTimer(flow.expiresAtMs - this.#clock.now(), () =>
      attempt.cancel(loginExpired()),
    );
    this.#onChange({ attempt, state: "pending", error: null });
    attempt.outcome.then(
      () => this.#ended({ attempt, state: "loggedIn", error: null }, stopTimer),
      (error) => this.#ended({ attempt, state: "failed", error }, stopTimer),
    );
    return attempt;
  }

  /**
   * Waits up to `timeoutMs` for the end of an attempt. Who goes away cancels nothing.
   * @throws AuthError the reason why the attempt failed; ERR_LOGIN_NOT_FOUND
   */
  async await(
    loginId: string,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<MethodResult<"login/await">> {
    const attempt = this.#attempt(loginId);
    const status = await this.#endWithin(attempt, timeoutMs, signal);
    if (status) return { state: "loggedIn", status };
    return { state: "pending", flow: attempt.flow.prompt.flow, expiresAtMs: attempt.flow.expiresAtMs };
  }

  /**
   * Completes a browser login with the URL that a browser elsewhere ended on.
   * @throws AuthError as {@link Logins.await}
   */
  async complete(loginId: string, redirectUrl: string): Promise<{ status: SessionStatus }> {
    const attempt = this.#attempt(loginId);
    attempt.complete(redirectUrl);
    return { status: await attempt.outcome };
  }

  /** True when it was pending. */
  cancel(loginId: string): boolean {
    const attempt = this.#attempts.get(loginId);
    if (!attempt?.isPending) return false;
    attempt.cancel(loginCancelled("on request"));
    return true;
  }

  get hasPending(): boolean {
    return [...this.#attempts.values()].some(({ isPending }) => isPending);
  }

  /** Cancels what is pending, and waits until everybody was told. */
  async close(): Promise<void> {
    for (const attempt of this.#attempts.values())
      attempt.cancel(loginCancelled("because the daemon is stopping"));
    await Promise.allSettled([...this.#attempts.values()].map((attempt) => attempt.outcome));
  }

  #attempt(loginId: string): LoginAttempt {
    const attempt = this.#attempts.get(loginId);
    if (attempt) return attempt;
    throw new AuthError(
      "ERR_LOGIN_NOT_FOUND",
      "There is no such login: it ended a while ago, or the daemon was restarted. Run `codex-auth login` again.",
    );
  }

  #pendingOf(session: Session): LoginAttempt | undefined {
    return [...this.#attempts.values()].find((attempt) => attempt.session === session && attempt.isPending);
  }

  #ended(change: LoginChange, stopTimer: () => void): void {
    stopTimer();
    this.#endedAtMs.set(change.attempt.id, this.#clock.now());
    this.#onChange(change);
  }

  #forgetOld(): void {
    for (const [loginId, endedAtMs] of this.#endedAtMs) {
      if (this.#clock.now() - endedAtMs < OUTCOME_KEPT_MS) continue;
      this.#endedAtMs.delete(loginId);
      this.#attempts.delete(loginId);
    }
  }

  #endWithin(
    attempt: LoginAttempt,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<SessionStatus | undefined> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => resolve(undefined);
      const stopTimer = this.#clock.setTimer(timeoutMs, giveUp);
      signal?.addEventListener("abort", giveUp, { once: true });
      attempt.outcome.then(resolve, reject).finally(() => {
        stopTimer();
        signal?.removeEventListener("abort", giveUp);
      });
    });
  }
}
