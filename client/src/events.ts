/** The daemon's events as an async iterator that outlives restarts of the daemon. */
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import {
  AuthError,
  type Clock,
  type LoginChangedEvent,
  type SessionChangedEvent,
  type SnapshotEvent,
  sleep,
} from "@codex-authd/shared";
import { ClientError } from "./client-error.js";
import { refusalOf } from "./rpc.js";
import { parseServerSentEvents, type ServerSentEvent } from "./server-sent-events.js";
import type { Transport } from "./transport.js";

/** What happened at the daemon. A stream, and each reconnection, begins with a `snapshot`. */
export type AuthEvent =
  | { readonly type: "snapshot"; readonly data: SnapshotEvent }
  | { readonly type: "session/changed"; readonly data: SessionChangedEvent }
  | { readonly type: "login/changed"; readonly data: LoginChangedEvent };

export interface EventSource {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told when the stream ends or cannot be opened; it is opened again. */
  readonly onLost?: (() => void) | undefined;
}

/** First pause before a reconnection: a restarting daemon is back in a second. Doubled each time. */
const FIRST_PAUSE_MS = 100;

/** Longest pause: a daemon that was away for long is noticed within this. */
const MAX_PAUSE_MS = 5_000;

const EVENT_TYPES: readonly string[] = [
  "snapshot",
  "session/changed",
  "login/changed",
] satisfies AuthEvent["type"][];

/**
 * Yields events until `signal` aborts, which ends the iteration quietly.
 * @throws ClientError ERR_DAEMON_VERSION, or AuthError ERR_CALLER_REFUSED, which no reconnection would mend
 */
export async function* watchEvents(source: EventSource): AsyncGenerator<AuthEvent> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!source.signal.aborted) {
    try {
      for await (const event of oneStream(source)) {
        pauseMs = FIRST_PAUSE_MS;
        yield event;
      }
    } catch (error) {
      if (source.signal.aborted) return;
      if (isFinal(error)) throw error;
    }
    source.onLost?.();
    await pause(source, pauseMs);
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
  }
}

async function* oneStream({ transport, signal }: EventSource): AsyncGenerator<AuthEvent> {
  const stream = await transport.stream("/v1/events", signal);
  try {
    if (stream.statusCode !== 200) throw await refusal(stream);
    for await (const message of parseServerSentEvents(stream)) {
      if (isKnown(message)) yield { type: message.event, data: JSON.parse(message.data) } as AuthEvent;
    }
  } finally {
    stream.destroy();
  }
}

async function refusal(stream: IncomingMessage): Promise<Error> {
  const answer = { status: stream.statusCode ?? 0, headers: stream.headers, body: await text(stream) };
  return (
    refusalOf(answer) ??
    new ClientError("ERR_DAEMON_VERSION", "The daemon has no stream of events. Upgrade it.")
  );
}

/** A newer daemon may send events that this client has no name for. */
function isKnown(message: ServerSentEvent): boolean {
  return EVENT_TYPES.includes(message.event);
}

function isFinal(error: unknown): boolean {
  return error instanceof AuthError || (error instanceof ClientError && error.code === "ERR_DAEMON_VERSION");
}

async function pause({ clock, signal }: EventSource, delayMs: number): Promise<void> {
  if (signal.aborted) return;
  await sleep(clock, delayMs, signal).catch(() => undefined);
}
