/** One connection to an app-server: requests with their responses, notifications, and the server's own requests. */
import { EventEmitter } from "node:events";
import { ClientError } from "../client-error.js";
import type { AuthFailure } from "./auth-failure.js";
import type { AppServerEnd, Channel } from "./channel.js";
import {
  AppServerError,
  type Message,
  type MessageId,
  type ParamsOf,
  parseMessage,
  type ResultOf,
} from "./messages.js";

/** A notification of the app-server. */
export interface Notification {
  readonly method: string;
  readonly params: unknown;
}

export interface ConnectionEvents {
  readonly notification: [notification: Notification];
  /** Something that is no message, such as a line that a wrapper wrote to stdout; cut to 1 KiB. */
  readonly noise: [text: string];
  /** Why the app-server is without fresh tokens, once for each cause. */
  readonly authFailure: [failure: AuthFailure];
  readonly ended: [end: AppServerEnd];
}

/** Answers a request of the app-server: with its result, or by throwing an {@link AppServerError}. */
export type RequestHandler = (params: unknown) => unknown;

export interface RequestOptions {
  /** Ends the wait; the app-server is not told. */
  readonly signal?: AbortSignal | undefined;
}

/** JSON-RPC 2.0 §5.1. */
const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;

/** Enough of a stray line to recognise it. */
const NOISE_MAX_CHARACTERS = 1_024;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Connection implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #waiting = new Map<MessageId, Waiting>();
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #events = new EventEmitter();
  #end: AppServerEnd | null = null;
  #lastId = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#events.setMaxListeners(0);
    channel.open({ onText: (text) => this.#receive(text), onEnd: (end) => this.#finish(end) });
  }

  /** How it ended; `null` while it has not. */
  get end(): AppServerEnd | null {
    return this.#end;
  }

  /**
   * Sends a request and waits for its response, for as long as the connection lives.
   * @throws AppServerError with the code of an error response
   * @throws ClientError ERR_APP_SERVER_ENDED when the app-server ends first
   * @throws the reason of `signal` when it aborts
   */
  async request<M extends string>(
    method: M,
    params: ParamsOf<M>,
    { signal }: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    const response = this.#responseTo(id, signal);
    // Whoever waits is told by the response; a send that fails is the end of the connection.
    await Promise.race([this.#send({ id, method, params }), response]);
    return (await response) as ResultOf<M>;
  }

  /** Sends a notification. */
  notify(method: string, params?: unknown): Promise<void> {
    return this.#send({ method, ...(params === undefined ? {} : { params }) });
  }

  /** Calls `listener` at every event of that name, until the returned function is called. */
  on<Name extends keyof ConnectionEvents>(
    name: Name,
    listener: (...args: ConnectionEvents[Name]) => void,
  ): () => void {
    const call = (...args: unknown[]): void => listener(...(args as unknown as ConnectionEvents[Name]));
    this.#events.on(name, call);
    return () => void this.#events.off(name, call);
  }

  emit<Name extends keyof ConnectionEvents>(name: Name, ...args: ConnectionEvents[Name]): void {
    this.#events.emit(name, ...args);
  }

  /**
   * Answers the app-server's requests of that method; a later handler replaces an earlier one. Requests without a handler
   * get an error where we are the only client; where there are others, they are left for those to answer.
   */
  handle(method: string, handler: RequestHandler): void {
    this.#handlers.set(method, handler);
  }

  /** Stops reading, so that a host that is behind holds the app-server back. Responses wait too. */
  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  /** Ends the connection, and the process if it is ours. Resolves when it has ended; idempotent. */
  close(): Promise<void> {
    return this.#channel.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #responseTo(id: MessageId, signal: AbortSignal | undefined): Promise<unknown> {
    const response = new Promise((resolve, reject) => {
      if (this.#end) reject(endedError(this.#end));
      const abort = (): void => this.#settle(id)?.reject(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      const stop = (): void => signal?.removeEventListener("abort", abort);
      this.#waiting.set(id, {
        resolve: (result) => {
          stop();
          resolve(result);
        },
        reject: (error) => {
          stop();
          reject(error);
        },
      });
    });
    response.catch(() => {});
    return response;
  }

  #settle(id: MessageId): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #send(message: Message): Promise<void> {
    return this.#end ? Promise.resolve() : this.#channel.send(JSON.stringify(message));
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    if (message?.method !== undefined && message.id !== undefined) {
      void this.#answer(message.id, message.method, message.params);
    } else if (message?.method !== undefined) {
      this.emit("notification", { method: message.method, params: message.params });
    } else if (message?.id !== undefined) {
      this.#accept(message.id, message);
    } else {
      this.emit("noise", text.slice(0, NOISE_MAX_CHARACTERS));
    }
  }

  #accept(id: MessageId, { result, error }: Message): void {
    const waiting = this.#settle(id);
    if (error) waiting?.reject(new AppServerError(error.code, error.message));
    else waiting?.resolve(result);
  }

  async #answer(id: MessageId, method: string, params: unknown): Promise<void> {
    const handler = this.#handlers.get(method);
    if (!handler && this.#channel.isShared) return;
    try {
      if (!handler) throw new AppServerError(METHOD_NOT_FOUND, `This host does not answer ${method}.`);
      await this.#send({ id, result: await handler(params) });
    } catch (error) {
      await this.#send({ id, error: errorObject(error) });
    }
  }

  #finish(end: AppServerEnd): void {
    this.#end = end;
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(endedError(end));
    this.emit("ended", end);
  }
}

/** An error as the other side gets it. */
export function errorObject(error: unknown): NonNullable<Message["error"]> {
  const code = error instanceof AppServerError ? error.code : INTERNAL_ERROR;
  return { code, message: error instanceof Error ? error.message : String(error) };
}

function endedError({ message, stderr }: AppServerEnd): ClientError {
  const words = stderr.trim() === "" ? message : `${message} The end of its stderr:\n${stderr.trimEnd()}`;
  return new ClientError("ERR_APP_SERVER_ENDED", words);
}
