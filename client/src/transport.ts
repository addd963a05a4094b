/**
 * HTTP over the daemon's Unix-domain socket. Tries the candidate sockets in order, bounds time and size, dials once more
 * when a connection was dropped before any answer, and never takes a slow daemon for a dead one.
 */
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { CLIENT_HEADER, type Clock, PROTOCOL_HEADER, PROTOCOL_VERSION, sleep } from "@codex-authd/shared";
import { ClientError } from "./client-error.js";
import { COMEBACK_LOOK_MS } from "./comeback.js";
import { checkProtocolVersion } from "./protocol-version.js";

/** A list of sessions is some kilobytes; this only stops something that is not the daemon from filling memory. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

/** Sockets kept open for reuse: enough for a busy caller, far below what the daemon allows one. */
const MAX_IDLE_SOCKETS = 8;

/** Connections of one client at once: the daemon takes 512 in all. Further calls wait for a turn. */
const MAX_SOCKETS = 64;

/** Pause after EAGAIN, which is a full backlog on Linux: many callers at once, not an absent daemon. */
const BACKLOG_PAUSE_MS = 20;

const ABSENT = ["ENOENT", "ECONNREFUSED", "ENOTDIR"];
const DROPPED = ["ECONNRESET", "EPIPE"];

export interface TransportOptions {
  /** Paths to try, best first. */
  readonly sockets: readonly string[];
  readonly clock: Clock;
  /** What the daemon's audit trail calls us. */
  readonly clientName: string;
  /** Whether it is worth waiting, after so many milliseconds, for somebody to listen. Default: never. */
  readonly isComing?: (waitedMs: number) => Promise<boolean>;
}

export interface TransportRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** Milliseconds for everything, from dialling to the last byte. */
  readonly deadlineMs: number;
  /** See CallPolicy. */
  readonly isRepeatable: boolean;
  /** See CallPolicy. Nothing was sent as long as nobody listens, so this has nothing to do with repeating. */
  readonly outlastsRestart: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A connection that is dialled: one socket, one way of using it, one signal that ends it. */
interface Dial {
  readonly socketPath: string;
  readonly signal: AbortSignal;
  readonly isFresh: boolean;
}

export class Transport {
  readonly #sockets: readonly string[];
  readonly #clock: Clock;
  readonly #clientName: string;
  readonly #isComing: (waitedMs: number) => Promise<boolean>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE_SOCKETS });

  constructor(options: TransportOptions) {
    this.#sockets = options.sockets;
    this.#clock = options.clock;
    this.#clientName = options.clientName;
    this.#isComing = options.isComing ?? (async () => false);
  }

  /**
   * Sends one request and reads the whole answer.
   * @throws ClientError ERR_DAEMON_NOT_RUNNING, ERR_DAEMON_TIMEOUT, ERR_DAEMON_VERSION
   * @throws the reason of `signal` when it aborts
   */
  async send(request: TransportRequest): Promise<TransportAnswer> {
    const late = new AbortController();
    const cancel = this.#clock.setTimer(request.deadlineMs, () =>
      late.abort(timeoutError(request.deadlineMs)),
    );
    const signal = request.signal ? AbortSignal.any([late.signal, request.signal]) : late.signal;
    try {
      const response = await this.#open(request, signal);
      const body = await readBody(response);
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    } catch (error) {
      signal.throwIfAborted();
      throw asClientError(error);
    } finally {
      cancel();
    }
  }

  /**
   * Opens an endless answer (`text/event-stream`) on a connection of its own; `signal` ends it.
   * @throws as {@link Transport.send}, but has no deadline
   */
  async stream(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      const once = { isRepeatable: false, outlastsRestart: false };
      return await this.#open({ method: "GET", path, deadlineMs: 0, ...once }, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw asClientError(error);
    }
  }

  /** Closes idle connections. Idempotent. */
  close(): void {
    this.#agent.destroy();
  }

  async #open(request: TransportRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const beganAtMs = this.#clock.now();
    for (;;) {
      try {
        return await this.#openOnAny(request, signal);
      } catch (error) {
        const isPatient = request.outlastsRestart && isNobodyListening(error);
        if (!isPatient || !(await this.#isComing(this.#clock.now() - beganAtMs))) throw error;
      }
      await sleep(this.#clock, COMEBACK_LOOK_MS, signal);
    }
  }

  async #openOnAny(request: TransportRequest, signal: AbortSignal): Promise<IncomingMessage> {
    let absence: unknown;
    for (const socketPath of this.#sockets) {
      try {
        return await this.#openWithRedial(request, { socketPath, signal, isFresh: !request.isRepeatable });
      } catch (error) {
        if (!hasCode(error, ABSENT)) throw error;
        absence = error;
      }
    }
    throw new ClientError(
      "ERR_DAEMON_NOT_RUNNING",
      `No daemon listens on ${this.#sockets.join(" or ")}. Start it with \`codex-auth daemon start\`.`,
      { cause: absence },
    );
  }

  async #openWithRedial(request: TransportRequest, dial: Dial): Promise<IncomingMessage> {
    try {
      return await this.#dial(request, dial);
    } catch (error) {
      if (!request.isRepeatable || !hasCode(error, DROPPED)) throw error;
      return await this.#dial(request, { ...dial, isFresh: true });
    }
  }

  async #dial(request: TransportRequest, dial: Dial): Promise<IncomingMessage> {
    for (;;) {
      try {
        const response = await this.#exchange(request, dial);
        checkProtocolVersion(response.headers, dial.socketPath);
        return response;
      } catch (error) {
        if (!hasCode(error, ["EAGAIN"])) throw error;
        await sleep(this.#clock, BACKLOG_PAUSE_MS, dial.signal);
      }
    }
  }

  #exchange(request: TransportRequest, dial: Dial): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath: dial.socketPath,
        method: request.method,
        path: request.path,
        agent: dial.isFresh ? false : this.#agent,
        signal: dial.signal,
        headers: {
          host: "localhost",
          [PROTOCOL_HEADER]: PROTOCOL_VERSION,
          [CLIENT_HEADER]: this.#clientName,
          ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        },
      });
      outgoing.once("response", resolve).on("error", reject).end(request.body);
    });
  }
}

/** True when nobody listens, as opposed to somebody who does not answer: the only cause to start a daemon. */
export function isNobodyListening(error: unknown): boolean {
  return error instanceof ClientError && hasCode(error.cause, ABSENT);
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES) {
      response.destroy();
      throw new ClientError(
        "ERR_DAEMON_VERSION",
        `The daemon's answer is longer than ${MAX_RESPONSE_BYTES} bytes. Upgrade the daemon and this client to the same version.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function timeoutError(deadlineMs: number): ClientError {
  return new ClientError(
    "ERR_DAEMON_TIMEOUT",
    `The daemon did not answer within ${Math.round(deadlineMs / 1000)} s. It may be alive and busy: try again, and look at its log.`,
  );
}

function asClientError(error: unknown): unknown {
  if (hasCode(error, DROPPED)) {
    return new ClientError(
      "ERR_DAEMON_NOT_RUNNING",
      "The daemon closed the connection before it answered: it stopped, or is being restarted. Try again.",
      { cause: error },
    );
  }
  if (hasCode(error, ["EACCES", "EPERM"])) {
    return new ClientError(
      "ERR_DAEMON_NOT_RUNNING",
      "The socket belongs to another user, or its permissions shut this one out. Set CODEX_AUTHD_SOCKET to your own daemon's.",
      { cause: error },
    );
  }
  return error;
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
