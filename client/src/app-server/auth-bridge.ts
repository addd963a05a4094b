/**
 * Keeps an app-server in external tokens from the daemon: hands it the first ones, answers its requests for fresh ones in
 * time, and pushes newer ones before the old ones end. It knows no process and no socket, only how to hand tokens over.
 */
import { type Clock, fingerprint, type SessionStatus, systemClock, withDeadline } from "@codex-authd/shared";
import type { AccessToken } from "../access-token-cache.js";
import type { AuthClient } from "../auth-client.js";
import type { SessionSelector } from "../call-options.js";
import type { AuthEvent } from "../events.js";
import {
  ANSWER_DEADLINE_MS,
  type AuthFailure,
  authFailure,
  daemonIsLate,
  failureOf,
  toAppServerError,
} from "./auth-failure.js";
import { AppServerError, type ExternalTokens, type RefreshTokensParams } from "./messages.js";

export interface AuthBridgeOptions {
  readonly auth: AuthClient;
  /** Whose login it is. */
  readonly selector: SessionSelector;
  /** Hands tokens to the app-server (`account/login/start`); rejects when it refuses them. */
  readonly hand: (tokens: ExternalTokens) => Promise<void>;
  /** Told once for each cause why the app-server is without fresh tokens. */
  readonly onFailure: (failure: AuthFailure) => void;
  readonly clock?: Clock | undefined;
}

/** A turn that is refused asks up to six times in a minute; a refusal that nothing has changed since is given at once. */
const REFUSAL_KEPT_MS = 60_000;

/** A 401 that comes this soon after a push was most likely for the token before. */
const PUSH_SETTLES_MS = 30_000;

interface Handed {
  readonly token: AccessToken;
  readonly fingerprint: string;
  /** When it was pushed; `null` when the app-server asked for it, or once it has asked again. */
  readonly pushedAtMs: number | null;
}

export class AuthBridge {
  readonly #options: AuthBridgeOptions;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  #session: SessionStatus | undefined;
  #handed: Handed | undefined;
  #refusal: { readonly failure: AuthFailure; readonly atMs: number } | undefined;
  #lastReported: string | undefined;

  constructor(options: AuthBridgeOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Hands over the first tokens and, with `pushes`, newer ones from then on.
   * @throws AuthError, ClientError as `AuthClient.getAccessToken`; what `hand` throws
   */
  async start({ pushes }: { readonly pushes: boolean }): Promise<void> {
    const { auth, selector } = this.#options;
    this.#session = await auth.getStatus(selector);
    const first = await this.#get({});
    await this.#options.hand(externalTokens(first));
    this.#keep(first, null);
    if (pushes) void this.#follow();
  }

  /**
   * Answers the app-server's request for fresh tokens, within 9 s.
   * @throws AppServerError whose number is all that Codex shows; the words go to `onFailure`
   */
  async answer({ previousAccountId }: RefreshTokensParams): Promise<ExternalTokens> {
    try {
      const refusal = this.#standingRefusal();
      if (refusal) throw toAppServerError(refusal);
      const accountId = previousAccountId ?? this.#handed?.token.accountId ?? undefined;
      const late = { afterMs: ANSWER_DEADLINE_MS, error: daemonIsLate };
      const token = await withDeadline(
        this.#clock,
        this.#get({ accountId, rejectedToken: this.#rejected() }),
        late,
      );
      this.#keep(token, null);
      return externalTokens(token);
    } catch (error) {
      throw this.#refuse(error);
    }
  }

  /** Pushes nothing any more. */
  close(): void {
    this.#closed.abort();
  }

  /** The token that a 401 is about: none of which we know, when a newer one was pushed just now. */
  #rejected(): string | undefined {
    if (!this.#handed) return undefined;
    const { pushedAtMs } = this.#handed;
    const wasPushedJustNow = pushedAtMs !== null && this.#clock.now() - pushedAtMs < PUSH_SETTLES_MS;
    return wasPushedJustNow ? undefined : this.#handed.fingerprint;
  }

  #get(wish: { accountId?: string | undefined; rejectedToken?: string | undefined }): Promise<AccessToken> {
    return this.#options.auth.getAccessToken({ ...this.#options.selector, ...wish });
  }

  async #push(token: AccessToken): Promise<void> {
    await this.#options.hand(externalTokens(token));
    this.#keep(token, this.#clock.now());
  }

  #keep(token: AccessToken, pushedAtMs: number | null): void {
    this.#handed = { token, fingerprint: fingerprint(token.accessToken), pushedAtMs };
    this.#refusal = undefined;
    this.#lastReported = undefined;
  }

  #standingRefusal(): AuthFailure | undefined {
    if (!this.#refusal || this.#clock.now() - this.#refusal.atMs > REFUSAL_KEPT_MS) return undefined;
    return this.#refusal.failure;
  }

  #refuse(error: unknown): Error {
    if (error instanceof AppServerError) return error;
    const failure = failureOf(error);
    const isStanding = !failure.retryable || failure.code === "ERR_DAEMON_NOT_RUNNING";
    if (isStanding) this.#refusal = { failure, atMs: this.#clock.now() };
    this.#report(failure);
    return toAppServerError(failure);
  }

  #report(failure: AuthFailure): void {
    if (this.#lastReported === failure.message) return;
    this.#lastReported = failure.message;
    this.#options.onFailure(failure);
  }

  async #follow(): Promise<void> {
    try {
      for await (const event of this.#options.auth.events({ signal: this.#closed.signal })) {
        await this.#notice(event).catch((error: unknown) => this.#report(failureOf(error)));
      }
    } catch (error) {
      this.#report(failureOf(error));
    }
  }

  async #notice(event: AuthEvent): Promise<void> {
    if (event.type === "snapshot") {
      // A daemon that was just started knows of a session what its callers ask for, and no more.
      const known = event.data.sessions.find((session) => this.#isOurs(session));
      await this.#compare(known ?? (await this.#options.auth.getStatus(this.#options.selector)));
    } else if (event.type === "session/changed" && this.#isOurs(event.data.session)) {
      await this.#compare(event.data.session);
    }
  }

  #isOurs({ codexHome, sessionName }: SessionStatus): boolean {
    return codexHome === this.#session?.codexHome && sessionName === this.#session.sessionName;
  }

  /** What the session is now, beside what the app-server has. */
  async #compare(session: SessionStatus): Promise<void> {
    this.#refusal = undefined;
    const failure = this.#obstacle(session);
    if (failure) return this.#report(failure);
    // Not by its end: tokens of the same second end together.
    if (session.generation === this.#handed?.token.generation) return;
    this.#options.auth.clearAccessTokens();
    const token = await this.#get({ accountId: this.#handed?.token.accountId ?? undefined });
    if (fingerprint(token.accessToken) !== this.#handed?.fingerprint) await this.#push(token);
  }

  #obstacle(session: SessionStatus): AuthFailure | undefined {
    const own = this.#handed?.token.accountId ?? null;
    if (session.state === "signedOut")
      return authFailure("ERR_LOGIN_REQUIRED", `${session.reason} ${LOG_IN}`);
    if (session.state === "reauthorizationRequired")
      return authFailure("ERR_REFRESH_REJECTED", `${session.reason} ${LOG_IN}`);
    return session.accountId === own ? undefined : authFailure("ERR_ACCOUNT_MISMATCH", OTHER_ACCOUNT);
  }
}

const LOG_IN = "Log in again, and connect a new app-server.";
const OTHER_ACCOUNT =
  "Another account logged in. This app-server keeps the tokens it has: an app-server cannot change accounts. Connect a new one.";

function externalTokens({ accessToken, accountId, planType }: AccessToken): ExternalTokens {
  return { accessToken, chatgptAccountId: accountId ?? "", chatgptPlanType: planType };
}
