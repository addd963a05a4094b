import type { JsonRpcErrorObject } from "../jsonrpc.js";
import { AuthError } from "./auth-error.js";
import { AUTH_ERRORS, type AuthErrorCode } from "./codes.js";

/** AuthError → JSON-RPC error object: number from the catalogue, the string code and what a program needs in `data`. */
export function toErrorObject(error: AuthError): JsonRpcErrorObject {
  return {
    code: AUTH_ERRORS[error.code].number,
    message: error.message,
    data: {
      code: error.code,
      retryable: error.isRetryable,
      ...(error.oauthError === undefined ? {} : { oauthError: error.oauthError }),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    },
  };
}

/** JSON-RPC error object → AuthError, or `undefined` when `data.code` is none of ours. */
export function fromErrorObject(object: JsonRpcErrorObject): AuthError | undefined {
  const { code, oauthError, retryAfterMs } = object.data ?? {};
  if (!isAuthErrorCode(code)) return undefined;
  return new AuthError(code, object.message, {
    ...(typeof oauthError === "string" ? { oauthError } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  });
}

function isAuthErrorCode(code: unknown): code is AuthErrorCode {
  return typeof code === "string" && Object.hasOwn(AUTH_ERRORS, code);
}
