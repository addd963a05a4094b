/** JSON-RPC 2.0 on the client's side: a request is made, an answer becomes a result or an error with a name. */
import {
  type AuthError,
  fromErrorObject,
  JSON_RPC_ERRORS,
  type JsonRpcErrorObject,
  type JsonRpcResponse,
} from "@codex-authd/shared";
import { ClientError } from "./client-error.js";
import type { TransportAnswer } from "./transport.js";

/** Header in which the daemon names the error of an answer that is plain text. */
const ERROR_HEADER = "codex-authd-error";

/** Each request has a connection, or a turn on one, of its own, so that one id serves all. */
const REQUEST_ID = 1;

/** Where the daemon's log is: how this daemon was started is not known here. */
const LOG_PLACE =
  "~/.local/state/codex-authd/codex-authd.log ($XDG_STATE_HOME in place of ~/.local/state when set), " +
  "or wherever the stderr of a daemon goes that no client started";

/** The body of one call. */
export function encodeCall(method: string, params: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id: REQUEST_ID, method, params });
}

/**
 * The result of a call.
 * @throws AuthError when the daemon named one of its errors
 * @throws TypeError when the parameters were wrong, which is the caller's bug
 * @throws ClientError ERR_DAEMON_VERSION when the answer cannot be understood
 * @throws Error when the daemon failed in a way that it has no name for; the message says where its log is
 */
export function decodeResult(answer: TransportAnswer): unknown {
  const refusal = refusalOf(answer);
  if (refusal) throw refusal;
  const response = parseResponse(answer.body);
  if ("result" in response) return response.result;
  throw errorFrom(response.error);
}

/** An error that the daemon answered as text: a caller it refuses, or a body it will not read. */
export function refusalOf(answer: TransportAnswer): AuthError | undefined {
  const code = answer.headers[ERROR_HEADER];
  if (typeof code !== "string" || answer.body.startsWith("{")) return undefined;
  return fromErrorObject({ code: 0, message: answer.body.trim(), data: { code } });
}

function parseResponse(body: string): JsonRpcResponse {
  const parsed = parseJson(body);
  if (isRecord(parsed) && ("result" in parsed || isErrorObject(parsed.error))) {
    return parsed as unknown as JsonRpcResponse;
  }
  throw new ClientError(
    "ERR_DAEMON_VERSION",
    "The daemon's answer is no JSON-RPC response. Upgrade the daemon and this client to the same version.",
  );
}

function errorFrom(object: JsonRpcErrorObject): Error {
  const named = fromErrorObject(object);
  if (named) return named;
  if (object.code === JSON_RPC_ERRORS.invalidParams) return new TypeError(object.message);
  if (object.code === JSON_RPC_ERRORS.methodNotFound) {
    return new ClientError(
      "ERR_DAEMON_VERSION",
      "The daemon does not know this method. Upgrade the daemon, then restart it with `codex-auth daemon stop`.",
    );
  }
  return new Error(`The daemon failed: ${object.message} Look at its log: ${LOG_PLACE}.`, { cause: object });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isErrorObject(value: unknown): value is JsonRpcErrorObject {
  return isRecord(value) && typeof value.code === "number" && typeof value.message === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
