/** Why an app-server cannot have a token: a number for the app-server, which shows nothing else, and the words for its host. */
import { AUTH_ERRORS, AuthError, type AuthErrorCode } from "@codex-authd/shared";
import { ClientError } from "../client-error.js";
import { AppServerError } from "./messages.js";

export interface AuthFailure {
  readonly code: AuthErrorCode | keyof typeof LOCAL_NUMBERS;
  /** What happened and what to do next. */
  readonly message: string;
  /** True when the app-server may ask again with success. */
  readonly retryable: boolean;
  /** What Codex shows of it: `auth refresh request failed: code=…`. */
  readonly number: number;
}

/** Codex waits 10 s for fresh tokens (codex-cli 0.169), and takes silence for a reason to ask again. */
export const ANSWER_DEADLINE_MS = 9_000;

/** Numbers of failures that have none on the daemon's socket, apart from its own (1001 and on). */
const LOCAL_NUMBERS = {
  ERR_DAEMON_NOT_RUNNING: 1101,
  ERR_DAEMON_TIMEOUT: 1102,
  ERR_DAEMON_VERSION: 1103,
  ERR_APP_SERVER_REFUSED: 1104,
  ERR_HOST_TIMEOUT: 1105,
} as const;

export function authFailure(code: AuthErrorCode, message: string): AuthFailure {
  const { number, retryable } = AUTH_ERRORS[code];
  return { code, message, retryable, number };
}

/** The failure that an error stands for. */
export function failureOf(error: unknown): AuthFailure {
  if (error instanceof AuthError) return authFailure(error.code, error.message);
  if (error instanceof ClientError && isLocal(error.code)) return localFailure(error.code, error.message);
  return loginRefused(error instanceof Error ? error.message : String(error));
}

/** The app-server did not take the tokens. */
export function loginRefused(why: string): AuthFailure {
  return localFailure(
    "ERR_APP_SERVER_REFUSED",
    `The app-server did not take the tokens: ${why}. Look at its stderr.`,
  );
}

export function daemonIsLate(): ClientError {
  return new ClientError(
    "ERR_DAEMON_TIMEOUT",
    `The daemon gave no token within ${ANSWER_DEADLINE_MS / 1000} s; the app-server asks again. Look at \`codex-auth status\`.`,
  );
}

export function hostIsLate(): AppServerError {
  return new AppServerError(
    LOCAL_NUMBERS.ERR_HOST_TIMEOUT,
    `The host gave no token within ${ANSWER_DEADLINE_MS / 1000} s. (ERR_HOST_TIMEOUT)`,
  );
}

/** As the app-server gets it. */
export function toAppServerError({ number, message, code }: AuthFailure): AppServerError {
  return new AppServerError(number, `${message} (${code})`);
}

function localFailure(code: keyof typeof LOCAL_NUMBERS, message: string): AuthFailure {
  return { code, message, retryable: true, number: LOCAL_NUMBERS[code] };
}

function isLocal(code: string): code is keyof typeof LOCAL_NUMBERS {
  return Object.hasOwn(LOCAL_NUMBERS, code);
}
