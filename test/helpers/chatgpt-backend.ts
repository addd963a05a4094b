import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** The endpoints that ask for a bearer token, named by the end of their path. */
export type BackendEndpoint = "accounts/check" | "usage" | "config/bundle" | "models" | "responses";

/** One request as the backend saw it, with the status it was answered with. */
export interface BackendRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The bearer token of the Authorization header, or `null` without one. */
  readonly accessToken: string | null;
  readonly status: number;
  /** When it was answered. */
  readonly atMs: number;
}

/** Turns that wait for each other. */
interface Gathering {
  readonly size: number;
  readonly onComplete: () => void;
  readonly waiting: (() => void)[];
}

export interface ChatGptBackendOptions {
  /** Decides about each bearer token; a refused one is answered with 401. Default: every token is good. */
  readonly isAccessTokenValid?: (accessToken: string) => boolean;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/**
 * What accounts/check names as the origin of the workspace. codex-cli 0.169 accepts nothing but an https origin, and
 * only its built-in provider goes there; port 1 has no listener, so a request that went there would fail.
 */
export const WORKSPACE_ORIGIN = "https://127.0.0.1:1";

/** Name of the workspace that `account/read` reports. */
export const WORKSPACE_NAME = "Loopback workspace";

const ENDPOINTS: readonly BackendEndpoint[] = [
  "accounts/check",
  "usage",
  "config/bundle",
  "models",
  "responses",
];

/** Starts a ChatGPT backend on a free port of 127.0.0.1: accounts, usage, requirements, models, and streamed turns. */
export async function createChatGptBackend(options: ChatGptBackendOptions = {}): Promise<ChatGptBackend> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new ChatGptBackend(server, options.isAccessTokenValid ?? (() => true));
}

/** A running backend; made by {@link createChatGptBackend}. */
export class ChatGptBackend implements AsyncDisposable {
  /** `http://127.0.0.1:<port>/backend-api`, what Codex calls `chatgpt_base_url`. */
  readonly baseUrl: string;
  /** Every request so far, oldest first. */
  readonly requests: BackendRequest[] = [];
  /** The text with which the model answers a turn. */
  reply = "Hello from loopback.";
  readonly #server: Server;
  readonly #isAccessTokenValid: (accessToken: string) => boolean;
  readonly #rejections = new Map<BackendEndpoint, number>();
  #gathering: Gathering | undefined;

  constructor(server: Server, isAccessTokenValid: (accessToken: string) => boolean) {
    this.#server = server;
    this.#isAccessTokenValid = isAccessTokenValid;
    this.baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/backend-api`;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  /** The requests to one endpoint, oldest first. */
  requestsTo(endpoint: BackendEndpoint): BackendRequest[] {
    return this.requests.filter(({ path }) => endpointOf(path) === endpoint);
  }

  /** Answers the next `count` requests to `endpoint` (default: model turns) with 401, whatever token they bring. */
  rejectNext(count: number, endpoint: BackendEndpoint = "responses"): void {
    this.#rejections.set(endpoint, count);
  }

  /** Answers the next `size` turns of the model together, as soon as all are there; `onComplete` is called just before. */
  gatherNext(size: number, onComplete: () => void = () => {}): void {
    this.#gathering = { size, onComplete, waiting: [] };
  }

  /** Stops listening and cuts the open connections. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const body = await text(request);
    const accessToken = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? null;
    if (endpointOf(url) === "responses") await this.#gathered();
    const answer = this.#answer(endpointOf(url), headers, accessToken);
    const { status } = answer;
    this.requests.push({ method, path: url, headers, body, accessToken, status, atMs: Date.now() });
    response.writeHead(answer.status, { "content-type": answer.contentType });
    response.end(answer.body);
  }

  async #gathered(): Promise<void> {
    const gathering = this.#gathering;
    if (!gathering) return;
    const { size, waiting, onComplete } = gathering;
    const all = new Promise<void>((resolve) => waiting.push(resolve));
    if (waiting.length === size) {
      this.#gathering = undefined;
      onComplete();
      for (const answer of waiting) answer();
    }
    await all;
  }

  #answer(
    endpoint: BackendEndpoint | undefined,
    headers: IncomingHttpHeaders,
    accessToken: string | null,
  ): Answer {
    if (endpoint === undefined) return json(404, { detail: "Not Found" });
    if (this.#takeRejection(endpoint) || accessToken === null || !this.#isAccessTokenValid(accessToken)) {
      return json(401, { error: { code: "token_expired", message: "The access token is not valid." } });
    }
    switch (endpoint) {
      case "accounts/check":
        return json(200, accountsOf(String(headers["chatgpt-account-id"])));
      case "usage":
        return json(200, usage());
      case "config/bundle":
        return json(200, {});
      case "models":
        return json(200, { models: [] });
      case "responses":
        return eventStream(turnEvents(this.reply));
    }
  }

  #takeRejection(endpoint: BackendEndpoint): boolean {
    const left = this.#rejections.get(endpoint) ?? 0;
    this.#rejections.set(endpoint, Math.max(0, left - 1));
    return left > 0;
  }
}

function endpointOf(path: string): BackendEndpoint | undefined {
  const { pathname } = new URL(path, "http://127.0.0.1");
  return ENDPOINTS.find((endpoint) => pathname.endsWith(`/${endpoint}`));
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: "application/json", body: JSON.stringify(value) };
}

function eventStream(events: readonly { readonly type: string }[]): Answer {
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  return { status: 200, contentType: "text/event-stream", body };
}

/** The account that the request names is the one account there is. */
function accountsOf(accountId: string) {
  const account = {
    id: accountId,
    name: WORKSPACE_NAME,
    structure: "workspace",
    workspace_backend_origin: WORKSPACE_ORIGIN,
    account_routing_override: "NO_CONSTRAINT",
  };
  return { accounts: [account], account_ordering: [accountId], default_account_id: accountId };
}

function usage() {
  const resetAfterSeconds = 600;
  return {
    plan_type: "pro",
    rate_limit: {
      allowed: true,
      limit_reached: false,
      primary_window: {
        used_percent: 12,
        limit_window_seconds: 18_000,
        reset_after_seconds: resetAfterSeconds,
        reset_at: Math.floor(Date.now() / 1000) + resetAfterSeconds,
      },
      secondary_window: null,
    },
  };
}

/** The shortest event stream of the Responses API that Codex takes for a whole turn. */
function turnEvents(reply: string) {
  const content = [{ type: "output_text", text: reply }];
  const usage = {
    input_tokens: 1,
    input_tokens_details: null,
    output_tokens: 1,
    output_tokens_details: null,
    total_tokens: 2,
  };
  return [
    { type: "response.created", response: { id: "resp_1" } },
    { type: "response.output_item.done", item: { type: "message", id: "msg_1", role: "assistant", content } },
    { type: "response.completed", response: { id: "resp_1", usage } },
  ];
}
