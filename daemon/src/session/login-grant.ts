import type { EpochMs } from "@codex-authd/shared";
import { readJwtClaims } from "../oauth/jwt-claims.js";
import type { OAuthClient } from "../oauth/oauth-client.js";
import type { LoginTokenResponse } from "../oauth/token-request.js";
import type { Grant } from "../storage/grant-storage.js";

/** The grant of a new login: bound to the issuer and the OAuth client that it was made with. */
export function grantFrom(tokens: LoginTokenResponse, client: OAuthClient, nowMs: EpochMs): Grant {
  return {
    idToken: tokens.idToken,
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    accountId: readJwtClaims(tokens.idToken.reveal())?.accountId ?? null,
    issuer: client.issuer,
    clientId: client.clientId,
    lastRefreshAtMs: nowMs,
  };
}
