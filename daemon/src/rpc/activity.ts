import type { Clock, EpochMs } from "@codex-authd/shared";
import type { FastifyInstance } from "fastify";

/** When callers last wanted something: a call, well-formed or not, or an event stream. Whom the guard refuses counts not. */
export interface Activity {
  /** Since when nobody has been waiting for anything; `null` while somebody is. */
  idleSinceMs(): EpochMs | null;
}

/** Counts what is open from now on. */
export function countActivity(app: FastifyInstance, clock: Clock): Activity {
  let open = 0;
  let idleSinceMs = clock.now();
  app.addHook("onRequest", (_request, reply, done) => {
    open++;
    reply.raw.once("close", () => {
      open--;
      idleSinceMs = clock.now();
    });
    done();
  });
  return { idleSinceMs: () => (open === 0 ? idleSinceMs : null) };
}
