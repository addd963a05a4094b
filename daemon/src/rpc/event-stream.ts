import type { ServerResponse } from "node:http";
import type { SessionChangedEvent, SnapshotEvent } from "@codex-authd/shared";
import type { DaemonEvent } from "./handlers.js";

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html); `id` is the generation. */
const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "x-accel-buffering": "no",
} as const;

const HEARTBEAT = ": heartbeat\n\n";

/**
 * One reader of the events. While it is slow, only the newest state of each session and login is kept for it, in the order
 * of their last change; one that takes nothing for two heartbeats, or falls behind in too many sessions, is cut off.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #queueMax: number;
  readonly #pending = new Map<string, DaemonEvent>();
  #isBlocked = false;
  #wasBlockedAtHeartbeat = false;

  constructor(response: ServerResponse, snapshot: SnapshotEvent, queueMax: number) {
    this.#response = response;
    this.#queueMax = queueMax;
    response.on("drain", () => this.#flush());
    response.writeHead(200, STREAM_HEADERS);
    this.#write(frame("snapshot", snapshot.generation, snapshot));
  }

  push(event: DaemonEvent): void {
    if (this.#isBlocked) this.#keep(event);
    else this.#write(frame(event.name, event.generation, event.data));
  }

  /** Shows an idle reader that we live, and us that the reader does. */
  heartbeat(): void {
    if (!this.#isBlocked) this.#write(HEARTBEAT);
    else if (this.#wasBlockedAtHeartbeat) this.#response.destroy();
    this.#wasBlockedAtHeartbeat = this.#isBlocked;
  }

  end(): void {
    this.#response.end();
  }

  #keep(event: DaemonEvent): void {
    const key = subjectOf(event);
    const older = this.#pending.get(key);
    this.#pending.delete(key);
    this.#pending.set(key, older ? merged(older, event) : event);
    if (this.#pending.size > this.#queueMax) this.#response.destroy();
  }

  #flush(): void {
    this.#isBlocked = false;
    this.#wasBlockedAtHeartbeat = false;
    for (const [key, event] of this.#pending) {
      if (this.#isBlocked) return;
      this.#pending.delete(key);
      this.push(event);
    }
  }

  #write(text: string): void {
    this.#isBlocked = !this.#response.write(text);
  }
}

function frame(name: string, generation: number, data: unknown): string {
  return `id: ${generation}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function subjectOf(event: DaemonEvent): string {
  return event.name === "session/changed"
    ? `session ${event.data.session.codexHome}`
    : `login ${event.data.loginId}`;
}

/** The newer event, with the account that the reader still believes in: a change of accounts is never skipped. */
function merged(older: DaemonEvent, newer: DaemonEvent): DaemonEvent {
  if (older.name !== "session/changed" || newer.name !== "session/changed") return newer;
  const data: SessionChangedEvent = {
    ...newer.data,
    previousAccount: older.data.previousAccount ?? newer.data.previousAccount,
  };
  return { ...newer, data };
}
