/** One exchange of a refresh token at the issuer, and what its answer means for a session. */
import { AuthError, type AuthErrorCode, type EpochMs } from "@codex-authd/shared";
import type { Http } from "../net/http.js";
import type { OAuthClient } from "../oauth/oauth-client.js";
import { OAuthError } from "../oauth/oauth-error.js";
import { type RefreshReason, requestTokensByRefresh, type TokenResponse } from "../oauth/token-request.js";
import type { Grant } from "../storage/grant-storage.js";
import { underOwnAccount } from "./grant-facts.js";

/** What an exchange brought; what the issuer left out stays as it was. */
export interface RotatedTokens extends Pick<TokenResponse, "idToken" | "accessToken" | "refreshToken"> {
  readonly atMs: EpochMs;
}

export type ExchangeOutcome =
  | { readonly kind: "refreshed"; readonly tokens: RotatedTokens; readonly issuerDateMs: EpochMs | undefined }
  | { readonly kind: "refused"; readonly error: AuthError }
  | { readonly kind: "transient" | "ambiguous"; readonly error: AuthError };

export interface Exchange {
  readonly http: Http;
  readonly client: OAuthClient;
  readonly reason: RefreshReason;
  readonly now: () => EpochMs;
}

/** Presents the grant's refresh token, once. Never throws: every ending is an outcome. */
export async function exchange(
  grant: Grant,
  { http, client, reason, now }: Exchange,
): Promise<ExchangeOutcome> {
  try {
    const { refreshToken } = grant;
    const { issuerDateMs, ...tokens } = await requestTokensByRefresh(http, client, { refreshToken, reason });
    return { kind: "refreshed", tokens: { ...tokens, atMs: now() }, issuerDateMs };
  } catch (error) {
    return outcomeOf(error);
  }
}

/**
 * The grant after a rotation. Tokens that name another account change the grant's (upstream keeps the old one): they are
 * the only good ones, and must not be served under the old name.
 */
export function withTokens(grant: Grant, tokens: RotatedTokens): Grant {
  const {
    idToken = grant.idToken,
    accessToken = grant.accessToken,
    refreshToken = grant.refreshToken,
  } = tokens;
  return underOwnAccount({ ...grant, idToken, accessToken, refreshToken, lastRefreshAtMs: tokens.atMs });
}

function outcomeOf(error: unknown): ExchangeOutcome {
  if (!(error instanceof OAuthError)) return { kind: "ambiguous", error: toAuthError(error) };
  return { kind: error.kind === "terminal" ? "refused" : error.kind, error: toAuthError(error) };
}

type Refusal = "ERR_REFRESH_REJECTED" | "ERR_LOGIN_DENIED";

/**
 * What the issuer, or the way to it, said, as an error that may cross the socket.
 * @param refusal the code of an answer that no retry can change
 */
export function toAuthError(error: unknown, refusal: Refusal = "ERR_REFRESH_REJECTED"): AuthError {
  if (error instanceof AuthError) return error;
  if (!(error instanceof OAuthError)) {
    return new AuthError("ERR_ISSUER_UNAVAILABLE", "The exchange with the issuer failed. Try again later.", {
      cause: error,
    });
  }
  return new AuthError(codeFor(error, refusal), error.message, {
    cause: error,
    ...(error.oauthError === undefined ? {} : { oauthError: error.oauthError }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
}

function codeFor(error: OAuthError, refusal: Refusal): AuthErrorCode {
  if (error.kind === "terminal") {
    const isLateLogin = refusal === "ERR_LOGIN_DENIED" && error.oauthError === "expired_token";
    return isLateLogin ? "ERR_LOGIN_EXPIRED" : refusal;
  }
  return error.kind === "ambiguous" && error.status !== undefined
    ? "ERR_ISSUER_RESPONSE"
    : "ERR_ISSUER_UNAVAILABLE";
}
