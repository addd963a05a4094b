import { AUTH_ERRORS, type AuthErrorCode } from "./codes.js";

export interface AuthErrorOptions {
  readonly cause?: unknown;
  /** The issuer's own error code, when it spoke (RFC 6749 §5.2 `error`, or upstream's `error.code`). */
  readonly oauthError?: string;
  /** Milliseconds after which a retry makes sense, when somebody said so. */
  readonly retryAfterMs?: number;
}

/** A failure with a name that may cross the socket. Its message never holds a token or an authorization code. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  readonly code: AuthErrorCode;
  readonly oauthError: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: AuthErrorCode, message: string, options: AuthErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.oauthError = options.oauthError;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** True when the same call may succeed later without anybody changing anything. */
  get isRetryable(): boolean {
    return AUTH_ERRORS[this.code].retryable;
  }
}
