/** The daemon as an object: one method per row of the contract's table of methods, and what a caller wants around them. */
import {
  type Clock,
  checkedSocketPath,
  childEnvironmentFrom,
  type Environment,
  type MethodName,
  type MethodParams,
  type MethodResult,
  type SessionStatus,
  socketPaths,
  systemClock,
} from "@codex-authd/shared";
import { type AccessToken, AccessTokenCache } from "./access-token-cache.js";
import { startDaemon } from "./autostart.js";
import { awaitLogin } from "./await-login.js";
import type {
  AccessTokenOptions,
  AuthClientOptions,
  AwaitLoginOptions,
  BeginLoginOptions,
  CallOptions,
  CredentialExplanation,
  DaemonStatus,
  EventsOptions,
  ExplainCredentialOptions,
  ExplainLoginOptions,
  LoginPlan,
  LogoutResult,
  PendingLogin,
  SessionSelector,
} from "./call-options.js";
import { CALL_POLICIES } from "./call-policy.js";
import { hasJustEnded, isComing } from "./comeback.js";
import { type AuthEvent, watchEvents } from "./events.js";
import { type LoginOptions, login } from "./login.js";
import { observeChildEnvironment } from "./observed-environment.js";
import { decodeResult, encodeCall } from "./rpc.js";
import { isNobodyListening, Transport } from "./transport.js";

/**
 * A client of the daemon. Safe for concurrent use; keep one per process.
 *
 * Every method may throw AuthError with the codes that the contract lists for it, ClientError ERR_DAEMON_NOT_RUNNING,
 * ERR_DAEMON_TIMEOUT or ERR_DAEMON_VERSION, and TypeError for parameters that break the contract.
 */
export class AuthClient {
  readonly #env: Environment;
  readonly #cwd: string;
  readonly #clock: Clock;
  readonly #sockets: readonly [string, ...string[]];
  readonly #autostart: boolean;
  readonly #transport: Transport;
  readonly #tokens: AccessTokenCache;
  readonly #closed = new AbortController();

  /** @throws AuthError ERR_CONFIG_INVALID when a socket path is relative or too long */
  constructor(options: AuthClientOptions = {}) {
    this.#env = options.env ?? process.env;
    this.#cwd = options.cwd ?? process.cwd();
    this.#clock = options.clock ?? systemClock;
    this.#sockets = options.socketPath ? [checkedSocketPath(options.socketPath)] : socketPaths(this.#env);
    this.#autostart = options.autostart ?? true;
    this.#transport = new Transport({
      sockets: this.#sockets,
      clock: this.#clock,
      clientName: options.clientName ?? "@codex-authd/client",
      isComing: (waitedMs) => this.#isComing(waitedMs),
    });
    this.#tokens = new AccessTokenCache(this.#clock, (params) => this.#call("token/get", params));
  }

  /** The daemon itself. Never starts one. */
  getDaemonStatus(options: CallOptions = {}): Promise<DaemonStatus> {
    return this.#call("daemon/status", {}, options);
  }

  /** Asks the daemon to drain and end; it answers before it does. */
  shutdownDaemon(options: CallOptions = {}): Promise<MethodResult<"daemon/shutdown">> {
    return this.#call("daemon/shutdown", {}, options);
  }

  /** Starts the daemon when none listens, whatever `autostart` says. */
  startDaemon({ signal }: CallOptions = {}): Promise<void> {
    return startDaemon({ env: this.#env, socketPath: this.#sockets[0], clock: this.#clock, signal });
  }

  /** Begins a login and answers what to show. The child environment goes along, for it decides the flow. */
  beginLogin(options: BeginLoginOptions = {}): Promise<PendingLogin> {
    const { childEnvironment = observeChildEnvironment(this.#env, this.#cwd), signal, ...wish } = options;
    const { codexHome, storage, sessionName, flow, callbackPort } = wish;
    const params = { codexHome, childEnvironment, storage, sessionName, flow, callbackPort };
    return this.#call("login/begin", params, { signal });
  }

  /** Which login {@link AuthClient.beginLogin} would begin and why. Begins none, and starts no daemon. */
  explainLogin(options: ExplainLoginOptions = {}): Promise<LoginPlan> {
    const { childEnvironment = observeChildEnvironment(this.#env, this.#cwd), signal, ...wish } = options;
    return this.#call("login/explain", { ...wish, childEnvironment }, { signal });
  }

  /**
   * Waits until the login ends well, for as long as it takes or `timeoutMs`.
   * @throws AuthError ERR_LOGIN_EXPIRED after `timeoutMs`; the login is then still pending and can be awaited again
   */
  async awaitLogin(options: AwaitLoginOptions): Promise<SessionStatus> {
    const status = await awaitLogin(options, {
      clock: this.#clock,
      call: (params, waitMs) =>
        this.#call("login/await", params, {
          signal: options.signal,
          deadlineMs: CALL_POLICIES["login/await"].deadlineMs + waitMs,
        }),
    });
    this.#tokens.clear();
    return status;
  }

  /** Gives up a login that is pending; false when there is none any more. */
  async cancelLogin(loginId: string): Promise<boolean> {
    return (await this.#call("login/cancel", { loginId })).cancelled;
  }

  /** Finishes a browser login with the whole URL that the browser ended on, when it could not reach the listener. */
  async completeLogin(
    loginId: string,
    redirectUrl: string,
    options: CallOptions = {},
  ): Promise<SessionStatus> {
    const { status } = await this.#call("login/complete", { loginId, redirectUrl }, options);
    this.#tokens.clear();
    return status;
  }

  /** Ensures a usable session: answers one that is there, else takes a person through a login. See {@link LoginOptions}. */
  login(options: LoginOptions = {}): Promise<SessionStatus> {
    return login(this, { env: this.#env, clock: this.#clock, ...options });
  }

  /** All sessions that the daemon knows. */
  async listSessions(options: CallOptions = {}): Promise<SessionStatus[]> {
    return (await this.#call("session/list", {}, options)).sessions;
  }

  /** Forgets the login; `revoke` also tells the issuer, which signs out every machine that shares it. */
  async logout(
    options: SessionSelector & CallOptions & { readonly revoke?: boolean } = {},
  ): Promise<LogoutResult> {
    const { revoke, signal, ...selector } = options;
    const result = await this.#call("session/logout", { ...this.#select(selector), revoke }, { signal });
    this.#tokens.clear();
    return result;
  }

  /** Exchanges the refresh token now, unless `rejectedToken` (a `fingerprint`) is no longer the current one. */
  async refresh(
    options: SessionSelector & CallOptions & { readonly rejectedToken?: string } = {},
  ): Promise<SessionStatus> {
    const { rejectedToken, signal, ...selector } = options;
    const status = await this.#call(
      "session/refresh",
      { ...this.#select(selector), rejectedToken },
      { signal },
    );
    this.#tokens.clear();
    return status;
  }

  /** The session as the daemon knows it, without any network. */
  getStatus(options: SessionSelector & CallOptions = {}): Promise<SessionStatus> {
    const { signal, ...selector } = options;
    return this.#call("session/status", this.#select(selector), { signal });
  }

  /** Which credential a Codex process in this child environment would use and why, and which configuration counts. */
  explainCredential(options: ExplainCredentialOptions = {}): Promise<CredentialExplanation> {
    const { signal, for: kind, ...selector } = options;
    return this.#call("session/explain", { ...this.#select(selector), for: kind }, { signal });
  }

  /**
   * An access token. Answered inside this process while one is fresh, so a hot loop costs nothing; a logout elsewhere may
   * stay unseen for 30 s. Never starts a login.
   */
  getAccessToken(options: AccessTokenOptions = {}): Promise<AccessToken> {
    const { minValidityMs, rejectedToken, accountId, signal, ...selector } = options;
    const answer = this.#tokens.get({ ...this.#select(selector), minValidityMs, rejectedToken, accountId });
    return signal ? abortable(answer, signal) : answer;
  }

  /** Forgets the tokens that this process keeps, so that the next one is the daemon's newest. */
  clearAccessTokens(): void {
    this.#tokens.clear();
  }

  /** What happens at the daemon, from a snapshot on; ends when `signal` aborts or the client closes. Never starts one. */
  events(options: EventsOptions = {}): AsyncGenerator<AuthEvent> {
    const { signal: closed } = this.#closed;
    const signal = options.signal ? AbortSignal.any([closed, options.signal]) : closed;
    const { onLost } = options;
    return watchEvents({ transport: this.#transport, clock: this.#clock, signal, onLost });
  }

  /** Ends event streams and idle connections; idempotent. The daemon lives on. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#tokens.clear();
    this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #select(selector: SessionSelector): SessionSelector {
    const { childEnvironment = childEnvironmentFrom(this.#env, this.#cwd), ...others } = selector;
    return { childEnvironment, ...others };
  }

  async #isComing(waitedMs: number): Promise<boolean> {
    for (const socketPath of this.#sockets) {
      if (await isComing(socketPath, this.#env, waitedMs)) return true;
      if (await hasJustEnded(socketPath, this.#clock)) return true;
    }
    return false;
  }

  async #call<M extends MethodName>(
    method: M,
    params: MethodParams<M>,
    options: CallOptions & { readonly deadlineMs?: number } = {},
  ): Promise<MethodResult<M>> {
    const { startsDaemon, outlastsRestart, ...policy } = CALL_POLICIES[method];
    const canStart = this.#autostart && startsDaemon;
    const request = {
      method: "POST",
      path: "/v1/rpc",
      body: encodeCall(method, params),
      ...policy,
      // Who can start a daemon waits there for one that is on its way.
      outlastsRestart: outlastsRestart && !canStart,
      ...options,
    } as const;
    try {
      return decodeResult(await this.#transport.send(request)) as MethodResult<M>;
    } catch (error) {
      if (!(canStart && isNobodyListening(error))) throw error;
    }
    await this.startDaemon(options);
    return decodeResult(await this.#transport.send(request)) as MethodResult<M>;
  }
}

/** A new {@link AuthClient}; `close()` it when done. */
export function createAuthClient(options: AuthClientOptions = {}): AuthClient {
  return new AuthClient(options);
}

/** Lets one caller go without ending what others share. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
