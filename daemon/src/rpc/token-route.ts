import type { FastifyInstance } from "fastify";
import { httpStatusOf, sendError, TEXT } from "./answers.js";
import type { OriginOf } from "./call-context.js";
import type { Dispatcher } from "./dispatch.js";

/**
 * `GET /v1/token?codexHome=…&minValidityMs=…`: token/get for the shell. The query holds that method's parameters, and `cwd`
 * for a child environment of which nothing else is known; the answer is the access token and a newline. An error is a line
 * of text, its code in the header `codex-authd-error`.
 */
export function addTokenRoute(
  app: FastifyInstance,
  { dispatcher, originOf }: { dispatcher: Dispatcher; originOf: OriginOf },
): void {
  app.get("/v1/token", async (request, reply) => {
    const outcome = await dispatcher.call("token/get", paramsOf(request.query), originOf(request, reply));
    if ("error" in outcome) {
      return sendError(request, reply, { status: httpStatusOf(outcome.error), error: outcome.error });
    }
    return reply.type(TEXT).send(`${outcome.result.accessToken}\n`);
  });
}

function paramsOf(query: unknown): Record<string, unknown> {
  const { minValidityMs, cwd, ...others } = query as Record<string, unknown>;
  return {
    ...others,
    ...(cwd !== undefined && { childEnvironment: { cwd, variables: {} } }),
    ...(minValidityMs !== undefined && { minValidityMs: numberOf(minValidityMs) }),
  };
}

/** Digits become a number; anything else stays what it is, for the validation to name. */
function numberOf(value: unknown): unknown {
  return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
}
