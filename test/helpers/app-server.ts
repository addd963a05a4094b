import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { EventEmitter, on, once } from "node:events";
import { createInterface } from "node:readline";
import type {
  AccountReadResult,
  AppServerNotification,
  AuthStatus,
  Message,
  Turn,
  TurnResult,
} from "./app-server-messages.js";
import { AppServerError } from "./app-server-messages.js";
import type { CodexHome } from "./codex.js";
import { codexBinary, codexEnvironment } from "./codex.js";

/** A start with its first answer takes 0.2 s, on a busy machine under 1 s; the rest is room for a cold disk. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** Longer than the 6 attempts of a turn whose every 401 goes unanswered. */
const TURN_TIMEOUT_MS = 120_000;

/** SIGTERM lets a running turn end; a test does not wait for one. */
const TERMINATION_GRACE_MS = 3000;

/** JSON-RPC 2.0 §5.1. */
const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;

export interface ClientInfo {
  readonly name: string;
  readonly title: string | null;
  readonly version: string;
}

export interface AppServerOptions {
  readonly home: CodexHome;
  /** What is started. Default: the real `codex app-server`. */
  readonly command?: readonly [program: string, ...args: string[]];
  /** Laid over {@link codexEnvironment}; `undefined` takes a variable away. */
  readonly env?: NodeJS.ProcessEnv;
  /** Ask for the experimental methods, external tokens among them. Default true. */
  readonly experimentalApi?: boolean;
  readonly clientInfo?: ClientInfo;
}

/** Answers a request of the app-server; an {@link AppServerError} becomes an error response with its code. */
export type RequestHandler = (params: Record<string, unknown>) => unknown;

type Test<Subject> = (subject: Subject) => boolean;

/** Starts `codex app-server` on stdio in `home`. It has to be initialized before it answers anything else. */
export function startAppServer(options: AppServerOptions): AppServer {
  const [program, ...args] = options.command ?? [codexBinary, "app-server"];
  const child = spawn(program, args, {
    cwd: options.home.path,
    env: { ...codexEnvironment(options.home), ...options.env },
  });
  return new AppServer(child, options);
}

/** A running `codex app-server` child; made by {@link startAppServer}. */
export class AppServer implements AsyncDisposable {
  /** Every notification so far, oldest first. */
  readonly notifications: AppServerNotification[] = [];
  /** Everything written to stderr so far. */
  stderr = "";
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #options: AppServerOptions;
  readonly #exited: Promise<void>;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #messages = new EventEmitter<{ message: [Message] }>();
  readonly #end = new AbortController();
  #lastId = 0;

  constructor(child: ChildProcessWithoutNullStreams, options: AppServerOptions) {
    this.#child = child;
    this.#options = options;
    this.#exited = once(child, "close").then(() => this.#end.abort(new Error("its process has ended")));
    this.#messages.setMaxListeners(0);
    child.stdin.on("error", () => {}); // A write to a child that has gone; its exit is what gets reported.
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.stderr += chunk;
    });
    createInterface({ input: child.stdout }).on("line", (line) => this.#receive(JSON.parse(line) as Message));
  }

  /** `initialize` with the capabilities of the options, then `initialized`. */
  async initialize(): Promise<{ readonly userAgent: string; readonly codexHome: string }> {
    const result = await this.request<{ userAgent: string; codexHome: string }>("initialize", {
      clientInfo: this.#options.clientInfo ?? { name: "harness", title: null, version: "0.0.1" },
      capabilities: { experimentalApi: this.#options.experimentalApi ?? true, requestAttestation: false },
    });
    this.#send({ method: "initialized" });
    return result;
  }

  /** `account/read`; it needs the backend unless nobody is logged in. */
  accountRead(params: { readonly refreshToken?: boolean } = {}): Promise<AccountReadResult> {
    return this.request("account/read", params);
  }

  /** `getAuthStatus`; with `includeToken` the answer has the bearer token. */
  getAuthStatus(
    params: { readonly includeToken?: boolean; readonly refreshToken?: boolean } = {},
  ): Promise<AuthStatus> {
    return this.request("getAuthStatus", { includeToken: null, refreshToken: null, ...params });
  }

  /** Runs `prompt` as the one turn of a new thread that is not stored, and waits up to 120 s for its end. */
  async runTurn(prompt: string): Promise<TurnResult> {
    const { thread } = await this.request<{ thread: { id: string } }>("thread/start", {
      ephemeral: true,
      cwd: this.#options.home.path,
      sandbox: "read-only",
      approvalPolicy: "never",
    });
    const input = [{ type: "text", text: prompt, text_elements: [] }];
    await this.request("turn/start", { threadId: thread.id, input });
    const isOfThread: Test<AppServerNotification["params"]> = (params) => params.threadId === thread.id;
    const { params } = await this.waitFor("turn/completed", isOfThread, { timeoutMs: TURN_TIMEOUT_MS });
    const { status, error, items } = params.turn as Turn;
    const text = items.findLast((item) => item.type === "agentMessage")?.text ?? null;
    return { status, text, error };
  }

  /**
   * Sends a request and waits for its response.
   * @throws AppServerError with the code of an error response; Error after `timeoutMs` (default 30 s) or when the process ends.
   */
  async request<Result>(
    method: string,
    params: Record<string, unknown> = {},
    { timeoutMs = DEFAULT_TIMEOUT_MS } = {},
  ): Promise<Result> {
    const id = ++this.#lastId;
    const isResponse: Test<Message> = (message) => message.id === id && message.method === undefined;
    const response = this.#next(isResponse, `The app-server's response to ${method}`, timeoutMs);
    this.#send({ method, id, params });
    const { result, error } = await response;
    if (error !== undefined) throw new AppServerError(error.code, error.message);
    return result as Result;
  }

  /** The first notification of that method whose params pass `predicate`; one that has already come counts too. */
  async waitFor(
    method: string,
    predicate: Test<AppServerNotification["params"]> = () => true,
    { timeoutMs = DEFAULT_TIMEOUT_MS } = {},
  ): Promise<AppServerNotification> {
    const find = () => this.notifications.find((past) => past.method === method && predicate(past.params));
    if (find() === undefined) {
      await this.#next(() => find() !== undefined, `The notification ${method}`, timeoutMs);
    }
    return find() as AppServerNotification;
  }

  /** Answers the server's requests of that method; those without a handler get an error response. */
  onRequest(method: string, handler: RequestHandler): void {
    this.#handlers.set(method, handler);
  }

  /** Ends the process: SIGTERM, after 3 s SIGKILL. Returns when it has gone. */
  async close(): Promise<void> {
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), TERMINATION_GRACE_MS);
    this.#child.kill("SIGTERM");
    await this.#exited;
    clearTimeout(kill);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #send(message: Message): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #receive(message: Message): void {
    if (message.method !== undefined && message.id === undefined) {
      this.notifications.push({ method: message.method, params: message.params ?? {} });
    }
    if (message.method !== undefined && message.id !== undefined) {
      void this.#respond(message.id, message.method, message.params ?? {});
    }
    this.#messages.emit("message", message);
  }

  async #respond(id: number, method: string, params: Record<string, unknown>): Promise<void> {
    try {
      const handler = this.#handlers.get(method);
      if (handler === undefined) throw new AppServerError(METHOD_NOT_FOUND, `No handler for ${method}`);
      this.#send({ id, result: await handler(params) });
    } catch (error) {
      const code = error instanceof AppServerError ? error.code : INTERNAL_ERROR;
      this.#send({ id, error: { code, message: error instanceof Error ? error.message : String(error) } });
    }
  }

  async #next(isAwaited: Test<Message>, description: string, timeoutMs: number): Promise<Message> {
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      for await (const [message] of on(this.#messages, "message", { signal })) {
        if (isAwaited(message)) return message;
      }
    } catch {
      // Told below, with what the process had to say.
    }
    throw new Error(`${description} did not come: ${signal.reason}\nIts stderr was:\n${this.stderr}`);
  }
}
