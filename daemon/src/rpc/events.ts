import { type Clock, toErrorObject } from "@codex-authd/shared";
import type { FastifyInstance } from "fastify";
import { sendError, tooMany } from "./answers.js";
import { EventStream } from "./event-stream.js";
import type { EventSource } from "./handlers.js";
import type { RpcLimits } from "./limits.js";

export interface EventStreams {
  /** Ends every stream, so that none holds up a shutdown. */
  close(): void;
}

/** `GET /v1/events`: a snapshot, and from there every change, as server-sent events. */
export function addEventsRoute(
  app: FastifyInstance,
  { events, clock, limits }: { events: EventSource; clock: Clock; limits: RpcLimits },
): EventStreams {
  const streams = new Set<EventStream>();
  let cancelHeartbeat = clock.setTimer(limits.heartbeatMs, beat);

  function beat(): void {
    for (const stream of streams) stream.heartbeat();
    cancelHeartbeat = clock.setTimer(limits.heartbeatMs, beat);
  }

  app.get("/v1/events", (request, reply) => {
    if (streams.size >= limits.subscribersMax) {
      sendError(request, reply, { status: 503, error: toErrorObject(tooMany("event streams")) });
      return;
    }
    reply.hijack();
    // Snapshot and subscription in one step: no change can fall between them.
    const stream = new EventStream(reply.raw, events.snapshot(), limits.subscriberQueueMax);
    const unsubscribe = events.subscribe((event) => stream.push(event));
    streams.add(stream);
    reply.raw.once("close", () => {
      unsubscribe();
      streams.delete(stream);
    });
  });

  return {
    close() {
      cancelHeartbeat();
      for (const stream of streams) stream.end();
    },
  };
}
