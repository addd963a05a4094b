/** The only outbound HTTP. It is made for requests that spend something: each is sent at most once, and says so truly. */
import { type Clock, systemClock } from "@codex-authd/shared";
import { Client, type Dispatcher } from "undici";

/** A token response has a few kilobytes; more than this is not one, and would only fill the memory. */
const RESPONSE_MAX_BYTES = 1_048_576;

/** A connection that is not there by now will not come. Giving up early costs nothing, for nothing has been sent. */
const CONNECT_TIMEOUT_MS = 10_000;

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

/** A request without a usable response. The message names the host, and never more of the URL. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  /**
   * False: certainly nothing of the request reached the server (name resolution, connection or TLS handshake failed), so
   * that it may be sent again. True: it was sent, or may have been.
   */
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean) {
    super(message);
    this.wasSent = wasSent;
  }
}

export interface Http {
  /**
   * Sends one request. Redirects are answers like any other, and nothing is ever repeated.
   * @throws HttpFailure without a whole response, also when `signal` aborts
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Cuts what is in flight; later requests fail unsent. */
  close(): Promise<void>;
}

/** `clock` times the deadlines. */
export function createHttp(clock: Clock = systemClock): Http {
  const inFlight = new Set<AbortController>();
  let isClosed = false;
  return {
    async request(request) {
      const host = new URL(request.url).host;
      if (isClosed) throw failure(host, new Error("the daemon is stopping"), false);
      if (request.signal?.aborted) throw failure(host, new Error("it was cancelled"), false);
      const controller = new AbortController();
      inFlight.add(controller);
      try {
        return await sendUntilAborted(request, controller, clock);
      } finally {
        inFlight.delete(controller);
      }
    },
    async close() {
      isClosed = true;
      for (const controller of inFlight) controller.abort(new Error("the daemon is stopping"));
    },
  };
}

async function sendUntilAborted(
  request: HttpRequest,
  controller: AbortController,
  clock: Clock,
): Promise<HttpResponse> {
  const late = new Error(`no whole answer within ${request.deadlineMs / 1000} s`);
  const cancelTimer = clock.setTimer(request.deadlineMs, () => controller.abort(late));
  const cancel = (): void => controller.abort(new Error("it was cancelled"));
  request.signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await send(request, controller.signal);
  } finally {
    cancelTimer();
    request.signal?.removeEventListener("abort", cancel);
  }
}

/**
 * A client, and so a connection, for each request: on a kept one that the server is just closing, nobody could tell
 * whether a refresh token was spent.
 */
async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  const url = new URL(request.url);
  const client = new Client(url.origin, {
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: RESPONSE_MAX_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS, signal },
  });
  try {
    return await dispatch(client, request, signal);
  } finally {
    client.destroy().catch(() => {});
  }
}

function dispatch(client: Client, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  const { pathname, search, host } = new URL(request.url);
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
        reject(failure(host, signal.aborted ? signal.reason : error, wasSent));
      },
    };
    client.dispatch({ path: pathname + search, method, headers: { ...headers }, body }, handler);
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
