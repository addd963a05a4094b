/** The only outbound HTTP. It is made for requests that spend something: each is sent at most once, and says so truly. */
import { type Clock, systemClock } from "@codex-authd/shared";
import type { Dispatcher } from "undici";
import { PROXY_AUTHENTICATION_REQUIRED, proxyRefusal } from "./failure-words.js";
import { HttpFailure } from "./http-failure.js";
import type { NetworkSettings } from "./network-settings.js";
import { openRoute, type Route } from "./route.js";
import { createTrustStore } from "./trust.js";
import { type Way, wayTo } from "./way.js";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds for everything: connection, request, headers and body. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Requests through the network settings of one session. */
export interface Http {
  /**
   * Sends one request. Redirects are answers like any other, and nothing is ever repeated.
   * @throws HttpFailure without a whole response, also when `signal` aborts
   */
  request(request: HttpRequest): Promise<HttpResponse>;
}

export interface HttpClient {
  through(settings: NetworkSettings): Http;
  /**
   * Whether a request to `url` could set out: for who would rather know before a person has begun to log in.
   * @throws HttpFailure when the proxy or the CA file that the settings name cannot be used
   */
  check(url: string, settings: NetworkSettings): void;
  /** Cuts what is in flight; later requests fail unsent. */
  close(): Promise<void>;
}

/** `clock` times the deadlines. */
export function createHttp(clock: Clock = systemClock): HttpClient {
  const inFlight = new Set<AbortController>();
  const trustStore = createTrustStore();
  let isClosed = false;
  const find = (url: string, settings: NetworkSettings): Way =>
    wayTo(new URL(url), { settings, trustStore, nowMs: clock.now() });
  return {
    through: (settings) => ({
      async request(request) {
        const { host } = new URL(request.url);
        if (isClosed) throw failure(host, new Error("the daemon is stopping"), false);
        if (request.signal?.aborted) throw failure(host, new Error("it was cancelled"), false);
        const controller = new AbortController();
        inFlight.add(controller);
        try {
          return await sendUntilAborted(find(request.url, settings), request, { controller, clock });
        } finally {
          inFlight.delete(controller);
        }
      },
    }),
    check: (url, settings) => void find(url, settings),
    async close() {
      isClosed = true;
      for (const controller of inFlight) controller.abort(new Error("the daemon is stopping"));
    },
  };
}

async function sendUntilAborted(
  way: Way,
  request: HttpRequest,
  { controller, clock }: { controller: AbortController; clock: Clock },
): Promise<HttpResponse> {
  const late = new Error(`no whole answer within ${request.deadlineMs / 1000} s`);
  const cancelTimer = clock.setTimer(request.deadlineMs, () => controller.abort(late));
  const cancel = (): void => controller.abort(new Error("it was cancelled"));
  request.signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await send(way, request, controller.signal);
  } finally {
    cancelTimer();
    request.signal?.removeEventListener("abort", cancel);
  }
}

/**
 * A client, and so a connection, for each request: on a kept one that the server is just closing, nobody could tell
 * whether a refresh token was spent.
 */
async function send(way: Way, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  const route = openRoute(way, signal);
  try {
    const response = await dispatch(route, request, { host: way.url.host, signal });
    // Behind TLS it is not the proxy that answers.
    if (way.proxy && way.url.protocol === "http:" && response.status === PROXY_AUTHENTICATION_REQUIRED)
      throw proxyRefusal(way, way.proxy, response.status);
    return response;
  } finally {
    route.client.destroy().catch(() => {});
  }
}

function dispatch(
  { client, target, headers: added }: Route,
  request: HttpRequest,
  { host, signal }: { host: string; signal: AbortSignal },
): Promise<HttpResponse> {
  const { method, headers, body = null } = request;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let wasSent = false;
    let head = { status: 0, headers: {} };
    const handler: Dispatcher.DispatchHandler = {
      // Called when the connection stands, right before the first byte is written to it.
      onRequestStart() {
        wasSent = true;
      },
      onResponseStart(_controller, status, received) {
        head = { status, headers: joinHeaders(received) };
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        resolve({ ...head, body: Buffer.concat(chunks).toString("utf8") });
      },
      onResponseError(_controller, error) {
        const isNamed = error instanceof HttpFailure && !signal.aborted;
        reject(isNamed ? error : failure(host, signal.aborted ? signal.reason : error, wasSent));
      },
    };
    client.dispatch({ path: target, method, headers: { ...headers, ...added }, body }, handler);
  });
}

function joinHeaders(received: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(received).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
}

/** The error itself is not kept as the cause: undici's parser errors hold pieces of the response. */
function failure(host: string, error: Error & { code?: string }, wasSent: boolean): HttpFailure {
  const reason = error.message || error.code || error.name;
  const moment = wasSent ? "got no usable answer" : "could not be sent";
  return new HttpFailure(
    `The request to ${host} ${moment}: ${reason}. Check the network and try again.`,
    wasSent,
  );
}
