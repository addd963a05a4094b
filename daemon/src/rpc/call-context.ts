import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Callers } from "./caller.js";
import type { CallContext, CallOrigin } from "./handlers.js";

/** Says where the calls of a request come from. */
export type OriginOf = (request: FastifyRequest, reply: FastifyReply) => CallOrigin;

/** Signal and caller are made when they are first asked for: most calls never do. */
export function originFrom(callers: Callers): OriginOf {
  return (request, reply) => {
    let signal: AbortSignal | undefined;
    return {
      get signal() {
        signal ??= abortedOnHangUp(reply.raw);
        return signal;
      },
      get caller() {
        return callers.of(request.raw);
      },
    };
  };
}

/** The context of one call of perhaps many of the same origin. */
export function callContext(origin: CallOrigin): CallContext {
  return {
    get signal() {
      return origin.signal;
    },
    get caller() {
      return origin.caller;
    },
    subject: {},
  };
}

function abortedOnHangUp(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.closed) abort();
  else response.once("close", abort);
  return controller.signal;
}
