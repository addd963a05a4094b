/** Client library of codex-authd: takes tokens from the daemon, and people through logins. Holds no refresh token. */
export {
  AUTH_ERRORS,
  AuthError,
  type AuthErrorCode,
  CLIENT_ERRORS,
  type ClientErrorCode,
  fingerprint,
  type SessionStatus,
} from "@codex-authd/shared";
export type { AccessToken } from "./access-token-cache.js";
export { AuthClient, createAuthClient } from "./auth-client.js";
export { type BrowserOutcome, type OpenBrowserOptions, openInBrowser } from "./browser.js";
export type {
  AccessTokenOptions,
  AuthClientOptions,
  AwaitLoginOptions,
  BeginLoginOptions,
  CallOptions,
  CredentialExplanation,
  DaemonStatus,
  EventsOptions,
  ExplainCredentialOptions,
  ExplainLoginOptions,
  LoginPlan,
  LogoutResult,
  PendingLogin,
  SessionSelector,
} from "./call-options.js";
export { ClientError } from "./client-error.js";
export type { AuthEvent } from "./events.js";
export type { LoginOptions } from "./login.js";
