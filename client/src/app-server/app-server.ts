import { type Clock, type SessionStatus, systemClock } from "@codex-authd/shared";
import type { AppServerEnd } from "./channel.js";
import type { Connection, ConnectionEvents, RequestHandler, RequestOptions } from "./connection.js";
import { inTime } from "./external-login.js";
import {
  AppServerError,
  type InitializeResult,
  LOGOUT,
  type ParamsOf,
  REFRESH_TOKENS,
  type ResultOf,
} from "./messages.js";

export interface AppServerParts {
  readonly connection: Connection;
  readonly initialized: InitializeResult;
  readonly session: SessionStatus;
  readonly isExternal: boolean;
  readonly close: () => Promise<void>;
  readonly clock?: Clock | undefined;
}

/** JSON-RPC 2.0 §5.1, as Codex itself says what it will not do. */
const INVALID_REQUEST = -32600;

/** An app-server that has answered `initialize` and has its login. The host speaks to it for its own threads and turns. */
export class AppServer implements AsyncDisposable {
  readonly initialized: InitializeResult;
  /** The session whose login it has, as it was when it connected. */
  readonly session: SessionStatus;
  readonly #parts: AppServerParts;

  constructor(parts: AppServerParts) {
    this.initialized = parts.initialized;
    this.session = parts.session;
    this.#parts = parts;
  }

  /** How it ended; `null` while it has not. */
  get end(): AppServerEnd | null {
    return this.#parts.connection.end;
  }

  /**
   * Sends a request and waits for its response, for as long as the app-server lives. `account/logout` is not sent to one
   * that has external tokens: Codex would delete the auth.json in its Codex home, whatever login that holds (codex-cli 0.169).
   * @throws AppServerError with the code of an error response
   * @throws ClientError ERR_APP_SERVER_ENDED when the app-server ends first
   * @throws the reason of `signal` when it aborts
   */
  async request<M extends string>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    if (this.#parts.isExternal && method === LOGOUT) throw logoutRefused();
    return this.#parts.connection.request(method, params, options);
  }

  /** Sends a notification. */
  notify(method: string, params?: unknown): Promise<void> {
    return this.#parts.connection.notify(method, params);
  }

  /** Calls `listener` at every event of that name, until the returned function is called. */
  on<Name extends keyof ConnectionEvents>(
    name: Name,
    listener: (...args: ConnectionEvents[Name]) => void,
  ): () => void {
    return this.#parts.connection.on(name, listener);
  }

  /**
   * Answers the app-server's requests of that method; a later handler replaces an earlier one. With `autoRefresh: false` the
   * host answers `account/chatgptAuthTokens/refresh` here; after 9 s without an answer the app-server gets an error.
   */
  handle(method: string, handler: RequestHandler): void {
    const { connection, clock = systemClock } = this.#parts;
    connection.handle(method, method === REFRESH_TOKENS ? inTime(handler, clock) : handler);
  }

  /** Stops reading, so that a host that is behind holds the app-server back. Responses wait too. */
  pause(): void {
    this.#parts.connection.pause();
  }

  resume(): void {
    this.#parts.connection.resume();
  }

  /** Ends the connection, and a child of ours: SIGTERM, after 5 s SIGKILL. Idempotent. */
  close(): Promise<void> {
    return this.#parts.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function logoutRefused(): AppServerError {
  return new AppServerError(
    INVALID_REQUEST,
    "This app-server has external tokens, and its account/logout would delete the auth.json of its Codex home, whatever login that " +
      "holds. Close it, or log the shared login out with `codex-auth logout`.",
  );
}

export function loginRefusedToHost(): AppServerError {
  return new AppServerError(
    INVALID_REQUEST,
    "This app-server has external tokens of the login that codex-authd keeps. Log in with `codex-auth login`, and start the app-server " +
      "again.",
  );
}
