/**
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification): one body in, one answer, a list of answers, or none out. Knows
 * nothing of HTTP. Callers are told what they did wrong; of what goes wrong inside they learn only the errors of the table.
 */
import {
  AuthError,
  JSON_RPC_ERRORS,
  type JsonRpcErrorObject,
  type JsonRpcResponse,
  type MethodName,
  type MethodResult,
  toErrorObject,
} from "@codex-authd/shared";
import { DISCOVER_METHOD, METHODS, openRpcDocument } from "@codex-authd/shared/schema";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics/metrics.js";
import { failure, internalError, invalidRequest } from "./answers.js";
import { AUDITED_METHODS, type Audit } from "./audit.js";
import { callContext } from "./call-context.js";
import type { CallContext, CallOrigin, Handlers } from "./handlers.js";
import type { RpcLimits } from "./limits.js";
import { invalidParams, isDeeperThan, parseRequest } from "./request.js";

export interface Dispatcher {
  /** Answers a body. `undefined`: nothing is to be answered, for all of it was notifications. Never rejects. */
  dispatch(body: string, origin: CallOrigin): Promise<JsonRpcResponse | JsonRpcResponse[] | undefined>;
  /** One call outside JSON-RPC, with the same validation and the same errors. Never rejects. */
  call<M extends MethodName>(
    method: M,
    params: unknown,
    origin: CallOrigin,
  ): Promise<Outcome<MethodResult<M>>>;
}

/** What became of a call. */
export type Outcome<Result = unknown> = { readonly result: Result } | { readonly error: JsonRpcErrorObject };

export interface DispatcherOptions {
  readonly handlers: Handlers;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly audit: Audit;
  readonly limits: RpcLimits;
  /** Version of the daemon, for the document that describes it. */
  readonly version: string;
}

/** Enough of an unknown method to recognise it; the rest of 64 KiB would come back for nothing. */
const METHOD_SHOWN_MAX_CHARACTERS = 64;

const PARSE_ERROR = { code: JSON_RPC_ERRORS.parseError, message: "Parse error: the body is not JSON." };

/** A handler, told that its parameters were validated. */
type Trusting<M extends MethodName> = (params: unknown, context: CallContext) => Promise<MethodResult<M>>;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { handlers, log, metrics, audit, limits, version } = options;

  async function call<M extends MethodName>(method: M, params: unknown, origin: CallOrigin) {
    const answered = metrics.callBegan(method);
    const context = callContext(origin);
    const outcome = await outcomeOfMethod(method, params, context);
    const code = "error" in outcome ? resultOf(outcome.error) : undefined;
    answered(code ?? "ok");
    if (AUDITED_METHODS.has(method)) {
      const decision = code === undefined ? "allowed" : "refused";
      audit.record({ caller: context.caller, action: method, decision, code, ...context.subject });
    }
    return outcome;
  }

  async function outcomeOfMethod<M extends MethodName>(method: M, params: unknown, context: CallContext) {
    const valid = METHODS[method].params.safeParse(params ?? {});
    if (!valid.success) return { error: invalidParams(valid.error) };
    try {
      const handler = handlers[method] as Trusting<M>;
      return { result: await handler(valid.data, context) };
    } catch (error) {
      return { error: describeFailure(error, { method, context, log }) };
    }
  }

  async function outcomeOf(method: string, params: unknown, origin: CallOrigin): Promise<Outcome> {
    if (isMethod(method)) return call(method, params, origin);
    return method === DISCOVER_METHOD
      ? { result: openRpcDocument(version) }
      : { error: methodNotFound(method) };
  }

  async function answer(message: unknown, origin: CallOrigin): Promise<JsonRpcResponse | undefined> {
    const request = parseRequest(message);
    if ("error" in request) return request;
    const { method, params, id } = request;
    const outcome = await outcomeOf(method, params, origin);
    return id === undefined ? undefined : { jsonrpc: "2.0", ...outcome, id };
  }

  async function answerBatch(
    messages: unknown[],
    origin: CallOrigin,
  ): Promise<JsonRpcResponse[] | undefined> {
    const answers = await Promise.all(messages.map((message) => answer(message, origin)));
    const due = answers.filter((response) => response !== undefined);
    return due.length === 0 ? undefined : due;
  }

  return {
    call,
    async dispatch(body, origin) {
      const message = parseJson(body);
      if (message === undefined) return failure(PARSE_ERROR);
      if (isDeeperThan(message, limits.jsonMaxDepth)) {
        return failure(invalidRequest(`nested deeper than ${limits.jsonMaxDepth} levels`));
      }
      if (!Array.isArray(message)) return answer(message, origin);
      if (message.length === 0) return failure(invalidRequest("an empty batch"));
      if (message.length > limits.batchMaxCalls) {
        return failure(invalidRequest(`a batch of more than ${limits.batchMaxCalls} calls`));
      }
      return answerBatch(message, origin);
    },
  };
}

function methodNotFound(method: string): JsonRpcErrorObject {
  return {
    code: JSON_RPC_ERRORS.methodNotFound,
    message: `Method not found: ${JSON.stringify(method.slice(0, METHOD_SHOWN_MAX_CHARACTERS))}.`,
  };
}

function describeFailure(
  error: unknown,
  { method, context, log }: { method: MethodName; context: CallContext; log: Log },
): JsonRpcErrorObject {
  if (error instanceof AuthError) {
    log.debug({ event: "call.refused", method, code: error.code });
    return toErrorObject(error);
  }
  // A handler that was told of the hang-up may end in any way; nobody is there to read it.
  const level = context.signal.aborted ? "debug" : "error";
  log[level]({ event: "call.failed", method, error });
  return internalError();
}

/** The code of an error as metrics have it: one of the catalogue, or of the two that JSON-RPC has for a call. */
function resultOf({ code, data }: JsonRpcErrorObject): string {
  if (data?.code !== undefined) return data.code;
  return code === JSON_RPC_ERRORS.invalidParams ? "invalidParams" : "internalError";
}

/** The value of a JSON text, or `undefined`, which no JSON text means. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isMethod(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name);
}
