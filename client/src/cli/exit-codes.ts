import { AuthError, type AuthErrorCode, type ClientErrorCode } from "@codex-authd/shared";
import { ClientError } from "../client-error.js";

/** What a script branches on; never changes meaning. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  loginRequired: 3,
  daemonUnreachable: 4,
  /** Somebody said no: the issuer, a policy, or the daemon. Asking again changes nothing. */
  refused: 5,
  /** EX_TEMPFAIL of sysexits.h. */
  tryAgain: 75,
  /** `exec` and `app-server` end as their command does; these three are their own, as env(1) has them. */
  notPrepared: 125,
  notExecutable: 126,
  notFound: 127,
  /** 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;

/** Error code → exit code, sorted. */
export const EXIT_CODES: Readonly<Record<AuthErrorCode | ClientErrorCode, number>> = {
  ERR_ACCOUNT_MISMATCH: EXIT.refused,
  ERR_APP_SERVER_ENDED: EXIT.failed,
  ERR_APP_SERVER_NOT_STARTED: EXIT.failed,
  ERR_CALLBACK_PORT_IN_USE: EXIT.tryAgain,
  ERR_CALLER_REFUSED: EXIT.refused,
  ERR_CONFIG_INVALID: EXIT.failed,
  ERR_DAEMON_NOT_RUNNING: EXIT.daemonUnreachable,
  ERR_DAEMON_TIMEOUT: EXIT.daemonUnreachable,
  ERR_DAEMON_VERSION: EXIT.daemonUnreachable,
  ERR_ISSUER_NOT_TRUSTED: EXIT.refused,
  ERR_ISSUER_RESPONSE: EXIT.tryAgain,
  ERR_ISSUER_UNAVAILABLE: EXIT.tryAgain,
  ERR_LOGIN_CANCELLED: EXIT.failed,
  ERR_LOGIN_DENIED: EXIT.refused,
  ERR_LOGIN_EXPIRED: EXIT.failed,
  ERR_LOGIN_NOT_FOUND: EXIT.failed,
  ERR_LOGIN_NOT_INTERACTIVE: EXIT.loginRequired,
  ERR_LOGIN_REQUIRED: EXIT.loginRequired,
  ERR_NOT_MANAGED: EXIT.failed,
  ERR_RATE_LIMITED: EXIT.tryAgain,
  ERR_REFRESH_REJECTED: EXIT.loginRequired,
  ERR_SERVICE_MANAGER: EXIT.failed,
  ERR_STORAGE_CORRUPT: EXIT.failed,
  ERR_STORAGE_UNAVAILABLE: EXIT.tryAgain,
  ERR_WORKSPACE_NOT_ALLOWED: EXIT.refused,
};

/** The exit code for `error`: a caller's bug counts as wrong usage, anything without a name as a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof AuthError || error instanceof ClientError) return EXIT_CODES[error.code];
  if (error instanceof InterruptedError) return error.exitCode;
  return error instanceof TypeError ? EXIT.usage : EXIT.failed;
}

/** The person pressed Ctrl-C, or a supervisor asked us to end. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super("Interrupted. The login was cancelled.");
    this.exitCode = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  }
}
