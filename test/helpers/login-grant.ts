import { Redacted } from "@codex-authd/shared";
import { grantFrom } from "#daemon/session/login-grant.js";
import type { Grant } from "#daemon/storage/grant-storage.js";
import { type AuthorizationServer, type TestUser, UPSTREAM_CLIENT_ID } from "./authorization-server.js";

/** What a finished login with this issuer brings. */
export function loginGrant(issuer: AuthorizationServer, user?: TestUser): Grant {
  const tokens = issuer.issueTokens(user);
  const redacted = {
    idToken: new Redacted(tokens.id_token),
    accessToken: new Redacted(tokens.access_token),
    refreshToken: new Redacted(tokens.refresh_token),
  };
  const client = { issuer: issuer.url, clientId: UPSTREAM_CLIENT_ID, originator: "test", userAgent: "test" };
  return grantFrom(redacted, client, Date.now());
}
