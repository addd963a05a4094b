/** THE TABLE. Handlers, client methods, docs and tests derive from it. A test keeps it sorted and complete. */
import type { z } from "zod";
import type { AuthErrorCode } from "../errors/codes.js";
import * as daemon from "./daemon.js";
import * as login from "./login.js";
import * as session from "./session.js";
import * as token from "./token.js";

/** What a caller may do with a method: read state, take tokens, change a login, or steer the daemon. */
export type Scope = "status" | "token" | "login" | "daemon";

export interface MethodRow {
  /** What it does, in a sentence. */
  readonly summary: string;
  readonly params: z.ZodType;
  readonly result: z.ZodType;
  readonly scope: Scope;
  /** Every AuthError that the method may answer with. */
  readonly errors: readonly AuthErrorCode[];
}

/** A Codex home that cannot be used, or an auth.json that cannot be read or understood. */
const SELECTION = [
  "ERR_CALLER_REFUSED",
  "ERR_CONFIG_INVALID",
  "ERR_STORAGE_CORRUPT",
  "ERR_STORAGE_UNAVAILABLE",
] as const;

/** The ways in which a token cannot be had or exchanged. */
const EXCHANGE = [
  "ERR_ISSUER_NOT_TRUSTED",
  "ERR_ISSUER_RESPONSE",
  "ERR_ISSUER_UNAVAILABLE",
  "ERR_LOGIN_REQUIRED",
  "ERR_NOT_MANAGED",
  "ERR_RATE_LIMITED",
  "ERR_REFRESH_REJECTED",
] as const;

/** The ways in which a login attempt ends without a login. */
const ATTEMPT = [
  "ERR_ISSUER_RESPONSE",
  "ERR_ISSUER_UNAVAILABLE",
  "ERR_LOGIN_CANCELLED",
  "ERR_LOGIN_DENIED",
  "ERR_LOGIN_EXPIRED",
  "ERR_LOGIN_NOT_FOUND",
  "ERR_STORAGE_UNAVAILABLE",
  "ERR_WORKSPACE_NOT_ALLOWED",
] as const;

export const METHODS = {
  "daemon/shutdown": {
    summary: "Drains and ends the daemon, after the answer.",
    params: daemon.daemonShutdownParams,
    result: daemon.daemonShutdownResult,
    scope: "daemon",
    errors: [],
  },
  "daemon/status": {
    summary: "The daemon itself: version, protocol, process, socket.",
    params: daemon.daemonStatusParams,
    result: daemon.daemonStatusResult,
    scope: "status",
    errors: [],
  },
  "login/await": {
    summary: "Waits for the end of a login that was begun, or says that it is still pending.",
    params: login.loginAwaitParams,
    result: login.loginAwaitResult,
    scope: "login",
    errors: ATTEMPT,
  },
  "login/begin": {
    summary: "Begins a login, by browser or with a code, and answers what to show to the person.",
    params: login.loginBeginParams,
    result: login.loginBeginResult,
    scope: "login",
    errors: [
      ...SELECTION,
      "ERR_CALLBACK_PORT_IN_USE",
      "ERR_ISSUER_RESPONSE",
      "ERR_ISSUER_UNAVAILABLE",
      "ERR_LOGIN_CANCELLED",
      "ERR_LOGIN_DENIED",
      "ERR_LOGIN_NOT_INTERACTIVE",
    ],
  },
  "login/cancel": {
    summary: "Gives up a pending login.",
    params: login.loginCancelParams,
    result: login.loginCancelResult,
    scope: "login",
    errors: [],
  },
  "login/complete": {
    summary: "Finishes a browser login with the URL that the browser ended on.",
    params: login.loginCompleteParams,
    result: login.loginCompleteResult,
    scope: "login",
    errors: ATTEMPT,
  },
  "login/explain": {
    summary: "Which login would begin for this caller and why, and where; begins none.",
    params: login.loginExplainParams,
    result: login.loginExplainResult,
    scope: "status",
    errors: SELECTION,
  },
  "session/explain": {
    summary:
      "Which credential a Codex process of this caller would use and why, and which configuration counts.",
    params: session.sessionExplainParams,
    result: session.sessionExplainResult,
    scope: "status",
    errors: SELECTION,
  },
  "session/list": {
    summary: "All sessions that the daemon has open.",
    params: session.sessionListParams,
    result: session.sessionListResult,
    scope: "status",
    errors: [],
  },
  "session/logout": {
    summary:
      "Forgets the login of a session; with `revoke` also at the issuer, for every machine that shares it.",
    params: session.sessionLogoutParams,
    result: session.sessionLogoutResult,
    scope: "login",
    errors: SELECTION,
  },
  "session/refresh": {
    summary:
      "Presents the refresh token now, unless the access token that was rejected is no longer the current one.",
    params: session.sessionRefreshParams,
    result: session.sessionStatus,
    scope: "token",
    errors: [...SELECTION, ...EXCHANGE],
  },
  "session/status": {
    summary: "A session as the daemon knows it: who, which plan, until when, what went wrong last.",
    params: session.sessionStatusParams,
    result: session.sessionStatus,
    scope: "status",
    errors: SELECTION,
  },
  "token/get": {
    summary: "An access token, from memory when one is fresh enough; never begins a login.",
    params: token.tokenGetParams,
    result: token.tokenGetResult,
    scope: "token",
    errors: [...SELECTION, ...EXCHANGE, "ERR_ACCOUNT_MISMATCH"],
  },
} as const satisfies Record<string, MethodRow>;

export type MethodName = keyof typeof METHODS;
export type MethodParams<M extends MethodName> = z.input<(typeof METHODS)[M]["params"]>;
export type MethodResult<M extends MethodName> = z.output<(typeof METHODS)[M]["result"]>;
