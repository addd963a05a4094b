/** An error as a person or a program gets it: what happened, why, what to do. */
import { AUTH_ERRORS, AuthError, CLIENT_ERRORS } from "@codex-authd/shared";
import { ClientError } from "../client-error.js";
import { exitCodeOf, InterruptedError } from "./exit-codes.js";
import { printable } from "./format.js";
import type { Output } from "./output.js";

export interface ErrorReport {
  readonly code: string;
  /** What happened. */
  readonly message: string;
  readonly why: string | undefined;
  /** What to do. */
  readonly remedy: string | undefined;
  readonly retryable: boolean;
}

/** What the issuer's codes for a dead refresh token mean (codex-cli 0.169 knows the same). */
const REFUSALS: Readonly<Record<string, string>> = {
  invalid_grant: "The issuer no longer knows this login: it was revoked, or has expired.",
  refresh_token_expired: "The login was not used for so long that the issuer let it expire.",
  refresh_token_invalidated:
    "The login was revoked: by a logout elsewhere, a changed password, or an administrator.",
  refresh_token_reused:
    "Another program had used this login's refresh token before: a second Codex on a copy of auth.json, or a restored backup.",
};

/** Writes the report where it belongs and answers the exit code. */
export function reportError(output: Output, error: unknown): number {
  const report = errorReport(error);
  const { code, message, retryable } = report;
  output.event({ error: { code, message, retryable } });
  output.note(`${output.styleNote(["bold", "red"], "error:")} ${message} (${code})`);
  if (report.why) output.note(`  ${output.styleNote("dim", "why:")} ${report.why}`);
  if (report.remedy) output.note(`  ${output.styleNote("dim", "do:")}  ${report.remedy}`);
  return exitCodeOf(error);
}

/** The truth about an issuer's refusal, when `oauthError` is one that we know. */
export function refusalReason(oauthError: string | undefined): string | undefined {
  return oauthError === undefined ? undefined : REFUSALS[oauthError];
}

export function errorReport(error: unknown): ErrorReport {
  if (error instanceof AuthError) {
    const { meaning, remedy } = AUTH_ERRORS[error.code];
    const why = refusalReason(error.oauthError) ?? meaning;
    return { code: error.code, message: lines(error.message), why, remedy, retryable: error.isRetryable };
  }
  if (error instanceof ClientError) {
    const { meaning, remedy } = CLIENT_ERRORS[error.code];
    const retryable = error.code === "ERR_DAEMON_TIMEOUT";
    return { code: error.code, message: lines(error.message), why: meaning, remedy, retryable };
  }
  const code = error instanceof InterruptedError ? "ERR_LOGIN_CANCELLED" : errorCodeOf(error);
  const message = error instanceof Error ? lines(error.message) : "Something failed.";
  return { code, message, why: undefined, remedy: undefined, retryable: false };
}

function errorCodeOf(error: unknown): string {
  return error instanceof TypeError ? "ERR_USAGE" : "ERR_INTERNAL";
}

/** The end of a log keeps its lines; nothing else in a message may steer a terminal. */
function lines(message: string): string {
  return message.split("\n").map(printable).join("\n");
}
