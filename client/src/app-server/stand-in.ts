/**
 * Between a host that knows nothing of us and an app-server that gets its tokens from us. Every line goes through as it is,
 * but for the flag that external tokens need, and the messages that they are about.
 */
import { randomUUID } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { AuthClient } from "../auth-client.js";
import type { SessionSelector } from "../call-options.js";
import { loginRefusedToHost, logoutRefused } from "./app-server.js";
import { AuthBridge } from "./auth-bridge.js";
import { type AuthFailure, failureOf, loginRefused } from "./auth-failure.js";
import { errorObject } from "./connection.js";
import { linesOf } from "./lines.js";
import {
  AppServerError,
  type ExternalTokens,
  type InitializeParams,
  LOGIN_COMPLETED,
  LOGIN_START,
  LOGOUT,
  type LoginCompleted,
  type Message,
  type MessageId,
  parseMessage,
  REFRESH_TOKENS,
  type RefreshTokensParams,
} from "./messages.js";

export interface StandInOptions {
  readonly host: { readonly input: Readable; readonly output: Writable };
  readonly server: { readonly input: Writable; readonly output: Readable };
  readonly auth: AuthClient;
  /** Whose login it is. */
  readonly selector: SessionSelector;
  /** Told why the app-server is without fresh tokens; the host sees no more of it than Codex shows. */
  readonly onFailure: (failure: AuthFailure) => void;
}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class StandIn {
  readonly #options: StandInOptions;
  readonly #bridge: AuthBridge;
  readonly #ended = new AbortController();
  /** Begins the ids of our own requests; no host has them. */
  readonly #prefix = `codex-authd-${randomUUID()}-`;
  readonly #waiting = new Map<MessageId, Waiting>();
  #lastId = 0;
  /** The host's `initialize` that has no answer yet. */
  #initialize: { readonly id: MessageId; readonly done: () => void } | undefined;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#bridge = new AuthBridge({ ...options, hand: (tokens) => this.#hand(tokens) });
  }

  /** Passes lines both ways until the app-server has said its last. The end of the host's input is the app-server's, too. */
  async run(): Promise<void> {
    const { host, server } = this.#options;
    const { signal } = this.#ended;
    // When the app-server takes no more, what it still says is what counts.
    pipeline(host.input, (bytes) => this.#toServer(bytes), server.input, { signal }).catch(() => {});
    try {
      await pipeline(server.output, (bytes) => this.#toHost(bytes), host.output, { end: false });
    } catch {
      // The host reads no more, and the app-server is told so by its closed output.
    } finally {
      this.#bridge.close();
      this.#initialize?.done();
      this.#ended.abort();
    }
  }

  async *#toServer(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const line of linesOf(bytes)) {
      const message = parseMessage(line.toString());
      const refusal = refusalOf(message?.method);
      if (message?.method === "initialize" && message.id !== undefined) {
        const initialized = this.#initialized(message.id);
        yield experimental(line, message);
        // What follows may need the login, and must not be told that there is none.
        await initialized;
      } else if (message?.id !== undefined && refusal) {
        this.#tell(this.#options.host.output, { id: message.id, error: errorObject(refusal) });
      } else {
        yield line;
      }
    }
  }

  async *#toHost(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const line of linesOf(bytes)) {
      if (!this.#takes(parseMessage(line.toString()) ?? {})) yield line;
    }
  }

  #initialized(id: MessageId): Promise<void> {
    return new Promise((done) => {
      this.#initialize = { id, done };
    });
  }

  /** True for what is between the app-server and us. */
  #takes({ id, method, params, result, error }: Message): boolean {
    if (method === REFRESH_TOKENS && id !== undefined) {
      void this.#answer(id, params as RefreshTokensParams);
      return true;
    }
    if (method === LOGIN_COMPLETED) return this.#takesLogin(params as LoginCompleted);
    if (method !== undefined || id === undefined) return false;
    if (id === this.#initialize?.id) void this.#begin(result !== undefined);
    return this.#settle(id, error);
  }

  /** A login without an id is one with external tokens, which are ours alone. */
  #takesLogin({ loginId, success, error }: LoginCompleted): boolean {
    if (loginId !== null) return false;
    if (!success) this.#options.onFailure(loginRefused(error ?? "no reason was given"));
    return true;
  }

  /** Hands over the first tokens, then lets the host go on, with or without them. */
  async #begin(isInitialized: boolean): Promise<void> {
    const held = this.#initialize;
    this.#initialize = undefined;
    try {
      if (isInitialized) await this.#bridge.start({ pushes: true });
    } catch (error) {
      this.#options.onFailure(failureOf(error));
    }
    held?.done();
  }

  async #answer(id: MessageId, params: RefreshTokensParams): Promise<void> {
    const { input } = this.#options.server;
    try {
      this.#tell(input, { id, result: await this.#bridge.answer(params) });
    } catch (error) {
      this.#tell(input, { id, error: errorObject(error) });
    }
  }

  #hand(tokens: ExternalTokens): Promise<void> {
    this.#lastId += 1;
    const id = `${this.#prefix}${this.#lastId}`;
    const params = { type: "chatgptAuthTokens", ...tokens };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#tell(this.#options.server.input, { method: LOGIN_START, id, params });
    });
  }

  #settle(id: MessageId, error: Message["error"]): boolean {
    const waiting = this.#waiting.get(id);
    if (error) waiting?.reject(new AppServerError(error.code, error.message));
    else waiting?.resolve();
    return this.#waiting.delete(id);
  }

  /** A whole line, between two others. */
  #tell(output: Writable, message: Message): void {
    if (!this.#ended.signal.aborted && output.writable) output.write(`${JSON.stringify(message)}\n`);
  }
}

/** The line as it was where the host asks for the experimental methods itself. */
function experimental(line: Buffer, message: Message): Buffer {
  const params = message.params as Partial<InitializeParams> | undefined;
  if (params?.capabilities?.experimentalApi) return line;
  const capabilities = { ...params?.capabilities, experimentalApi: true };
  return Buffer.from(`${JSON.stringify({ ...message, params: { ...params, capabilities } })}\n`);
}

/** Why the host may not have this itself; `undefined` for all that it may. */
function refusalOf(method: string | undefined): AppServerError | undefined {
  if (method === LOGOUT) return logoutRefused();
  return method === LOGIN_START ? loginRefusedToHost() : undefined;
}
