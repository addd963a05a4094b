/** One exchange of a refresh token at the issuer, and what its answer means for a session. */
import { AuthError, type AuthErrorCode, type EpochMs } from "@codex-authd/shared";
import type { Http } from "../net/http.js";
import type { OAuthClient } from "../oauth/oauth-client.js";
import { OAuthError } from "../oauth/oauth-error.js";
import { type RefreshReason, requestTokensByRefresh } from "../oauth/token-request.js";
import type { Grant } from "../storage/grant-storage.js";

export type ExchangeOutcome =
  | { readonly kind: "refreshed"; readonly grant: Grant; readonly issuerDateMs: EpochMs | undefined }
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
    const answer = await requestTokensByRefresh(http, client, { refreshToken: grant.refreshToken, reason });
    const refreshed: Grant = {
      ...grant,
      idToken: answer.idToken ?? grant.idToken,
      accessToken: answer.accessToken ?? grant.accessToken,
      refreshToken: answer.refreshToken ?? grant.refreshToken,
      lastRefreshAtMs: now(),
    };
    return { kind: "refreshed", grant: refreshed, issuerDateMs: answer.issuerDateMs };
  } catch (error) {
    return outcomeOf(error);
  }
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
  if (error.kind === "terminal") return error.oauthError === "expired_token" ? "ERR_LOGIN_EXPIRED" : refusal;
  return error.kind === "ambiguous" && error.status !== undefined
    ? "ERR_ISSUER_RESPONSE"
    : "ERR_ISSUER_UNAVAILABLE";
}
