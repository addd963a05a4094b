/** The shapes of what leaves the socket. Fastify's own error shapes never do. */
import {
  AUTH_ERRORS,
  AuthError,
  type AuthErrorCode,
  JSON_RPC_ERRORS,
  type JsonRpcErrorObject,
  type JsonRpcFailure,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
} from "@codex-authd/shared";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Where JSON-RPC is spoken, in errors too; every other route answers text. */
export const RPC_PATH = "/v1/rpc";

/** HTTP header with the string code of an error, for callers that do not parse JSON. */
export const ERROR_HEADER = "codex-authd-error";

/** On every answer. Answers hold tokens, so nothing in between may keep one. */
export const COMMON_HEADERS: readonly (readonly [string, string])[] = [
  [PROTOCOL_HEADER, String(PROTOCOL_VERSION)],
  ["cache-control", "no-store"],
];

export const TEXT = "text/plain; charset=utf-8";
export const JSON_TYPE = "application/json; charset=utf-8";

export interface ErrorAnswer {
  /** HTTP status. */
  readonly status: number;
  readonly error: JsonRpcErrorObject;
}

/** Answers with an error: as JSON-RPC on {@link RPC_PATH}, elsewhere as a line of text. */
export function sendError(request: FastifyRequest, reply: FastifyReply, answer: ErrorAnswer): FastifyReply {
  const { status, error } = answer;
  if (error.data?.code !== undefined) reply.header(ERROR_HEADER, error.data.code);
  reply.code(status);
  if (request.routeOptions.url !== RPC_PATH) return reply.type(TEXT).send(`${error.message}\n`);
  return reply.type(JSON_TYPE).send(JSON.stringify(failure(error)));
}

/** An error object as a whole answer, to a request whose id is not known. */
export function failure(error: JsonRpcErrorObject): JsonRpcFailure {
  return { jsonrpc: "2.0", error, id: null };
}

/** −32600 with its reason. */
export function invalidRequest(why: string): JsonRpcErrorObject {
  return { code: JSON_RPC_ERRORS.invalidRequest, message: `Invalid Request: ${why}.` };
}

/** −32603, which says nothing of what happened. */
export function internalError(): JsonRpcErrorObject {
  return { code: JSON_RPC_ERRORS.internalError, message: "Internal error: the daemon's log says more." };
}

/** The error of a caller who comes when there are too many of something. */
export function tooMany(what: string): AuthError {
  return new AuthError("ERR_CALLER_REFUSED", `Refused: too many ${what} at once. Try again later.`);
}

/** HTTP status of an error object, for routes that are not JSON-RPC. */
export function httpStatusOf({ code, data }: JsonRpcErrorObject): number {
  if (code === JSON_RPC_ERRORS.invalidParams) return 400;
  const name = data?.code;
  if (!isAuthErrorCode(name)) return 500;
  if (name === "ERR_CALLER_REFUSED") return 403;
  if (name === "ERR_RATE_LIMITED") return 429;
  return AUTH_ERRORS[name].retryable ? 503 : 409;
}

function isAuthErrorCode(code: string | undefined): code is AuthErrorCode {
  return code !== undefined && Object.hasOwn(AUTH_ERRORS, code);
}
