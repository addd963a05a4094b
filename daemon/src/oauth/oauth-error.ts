/** Why an exchange with the issuer brought nothing, and what may be done about it. */
import type { HttpResponse } from "../net/http.js";
import type { HttpFailure } from "../net/http-failure.js";
import { errorCode, issuerWords } from "./issuer-words.js";
import { isJsonObject, readJsonObject } from "./json-object.js";

/**
 * `terminal`: the issuer will not accept this token or code any more. `transient`: nothing was spent, the same request may
 * be sent later. `ambiguous`: it was sent and may have been carried out, but no usable answer came back.
 */
export type OAuthErrorKind = "terminal" | "transient" | "ambiguous";

/** What was being exchanged. */
export type Exchange = "login" | "refresh" | "revocation";

export interface OAuthErrorFacts {
  readonly kind: OAuthErrorKind;
  readonly oauthError?: string | undefined;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A failed exchange. Neither the message nor a field ever holds a token or a code. */
export class OAuthError extends Error {
  override readonly name = "OAuthError";
  readonly kind: OAuthErrorKind;
  /** The issuer's code in lower case: `error.code`, `error`, or `code` of its answer. */
  readonly oauthError: string | undefined;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** Milliseconds to wait, when the issuer named them. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { kind, oauthError, status, retryAfterMs }: OAuthErrorFacts) {
    super(message);
    this.kind = kind;
    this.oauthError = oauthError;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

interface TerminalRow {
  /** Default: whatever the issuer says, or does not. */
  readonly codes?: readonly string[];
  /** Default: every exchange. */
  readonly exchanges?: readonly Exchange[];
  readonly statuses: (status: number) => boolean;
}

/** 4xx that are about the moment and not about the grant: taking them for the end has cost others good sessions. */
const MOMENTARY_STATUSES = [408, 425, 429];

/** Every answer that ends something for good. What is not in this table may be tried again. */
const TERMINAL: readonly TerminalRow[] = [
  // codex-cli 0.169: under any status.
  {
    codes: ["refresh_token_expired", "refresh_token_invalidated", "refresh_token_reused"],
    statuses: (status) => status >= 400,
  },
  // RFC 6749 §5.2, and what dead sessions were answered elsewhere; upstream knows `invalid_grant` under 400 only.
  {
    codes: [
      "app_session_expired",
      "app_session_terminated",
      "invalid_grant",
      "invalid_refresh_token",
      "token_expired",
    ],
    statuses: isRefusal,
  },
  // codex-cli 0.169: any 401.
  { exchanges: ["refresh"], statuses: (status) => status === 401 },
  // A code is good for one use: whoever refuses it once will not take it later.
  { exchanges: ["login", "revocation"], statuses: isRefusal },
];

const NAMES: Readonly<Record<Exchange, string>> = {
  login: "sign-in",
  refresh: "refresh",
  revocation: "revocation",
};

const REMEDIES: Readonly<Record<Exchange, Readonly<Record<OAuthErrorKind, string>>>> = {
  login: {
    terminal: "Start the login again.",
    transient: "Try the login again in a minute.",
    ambiguous: "Start the login again; if it stays, look at the proxy between here and the issuer.",
  },
  refresh: {
    terminal: "Run `codex-auth login`.",
    transient: "It will be tried again; the access token is good until it expires.",
    ambiguous:
      "The access token is good until it expires; run `codex-auth login` if the next refresh fails too.",
  },
  revocation: {
    terminal: "Sign out at the issuer's own pages if it must be gone.",
    transient: "Try again in a minute, or sign out at the issuer's own pages.",
    ambiguous: "It may have happened; look at the issuer's own pages.",
  },
};

/** The error of an answer outside 2xx. */
export function refusal(response: HttpResponse, exchange: Exchange): OAuthError {
  const { oauthError, words } = readErrorBody(response.body);
  const kind = isTerminal(response.status, oauthError, exchange) ? "terminal" : "transient";
  const said = [response.status, oauthError].filter((part) => part !== undefined).join(" ");
  const quoted = words === "" ? "" : `: "${words}"`;
  const verb = kind === "terminal" ? "refused" : "did not carry out";
  return new OAuthError(
    `The issuer ${verb} the ${NAMES[exchange]} (${said}${quoted}). ${REMEDIES[exchange][kind]}`,
    { kind, oauthError, status: response.status, retryAfterMs: retryAfterMs(response) },
  );
}

/** The error of a 2xx answer that cannot be used; `flaw` finishes the sentence "its answer …". */
export function unusable(response: HttpResponse, exchange: Exchange, flaw: string): OAuthError {
  return new OAuthError(
    `The issuer accepted the ${NAMES[exchange]}, but its answer ${flaw}. ${REMEDIES[exchange].ambiguous}`,
    { kind: "ambiguous", status: response.status },
  );
}

/** The error of a request that got no answer. */
export function unanswered(failure: HttpFailure, exchange: Exchange): OAuthError {
  const kind = failure.wasSent ? "ambiguous" : "transient";
  return new OAuthError(`The ${NAMES[exchange]} failed. ${failure.message}`, { kind });
}

function isTerminal(status: number, oauthError: string | undefined, exchange: Exchange): boolean {
  return TERMINAL.some(
    ({ codes, exchanges, statuses }) =>
      statuses(status) &&
      (codes === undefined || (oauthError !== undefined && codes.includes(oauthError))) &&
      (exchanges === undefined || exchanges.includes(exchange)),
  );
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !MOMENTARY_STATUSES.includes(status);
}

/** RFC 6749 §5.2 has `error` and `error_description`; upstream's API errors have `error.code` and `error.message`. */
function readErrorBody(body: string): { oauthError: string | undefined; words: string } {
  const object = readJsonObject(body) ?? {};
  const nested = isJsonObject(object.error) ? object.error : {};
  const words = [object.error_description, nested.message].find(isString) ?? "";
  return {
    oauthError: errorCode(nested.code ?? object.error) ?? errorCode(object.code),
    words: issuerWords(words),
  };
}

/** A wait that nobody means: what is longer is a mistake, and a session would sleep through its token's end. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/** `Retry-After` (RFC 9110 §10.2.3). A date is measured from the answer's own `Date`, so that no local clock matters. */
function retryAfterMs({ headers }: HttpResponse): number | undefined {
  const value = headers["retry-after"]?.trim() ?? "";
  const waitMs = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(headers.date ?? "");
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MAX_MS);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
