import { toErrorObject } from "@codex-authd/shared";
import type { FastifyInstance } from "fastify";
import { JSON_TYPE, RPC_PATH, sendError, tooMany } from "./answers.js";
import type { OriginOf } from "./call-context.js";
import type { Dispatcher } from "./dispatch.js";
import type { RpcLimits } from "./limits.js";

/**
 * `POST /v1/rpc`: JSON-RPC 2.0, one request or a batch. Whatever the dispatcher answers has status 200, errors too, and
 * 204 when there is nothing to answer; other statuses are about HTTP.
 */
export function addRpcRoute(
  app: FastifyInstance,
  { dispatcher, originOf, limits }: { dispatcher: Dispatcher; originOf: OriginOf; limits: RpcLimits },
): void {
  let inWork = 0;
  app.post(RPC_PATH, async (request, reply) => {
    if (inWork >= limits.callsMax) {
      return sendError(request, reply, { status: 503, error: toErrorObject(tooMany("calls")) });
    }
    inWork++;
    try {
      const body = typeof request.body === "string" ? request.body : "";
      const answer = await dispatcher.dispatch(body, originOf(request, reply));
      if (answer === undefined) return reply.code(204).send();
      return reply.type(JSON_TYPE).send(JSON.stringify(answer));
    } finally {
      inWork--;
    }
  });
}
