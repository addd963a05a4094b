import type { Redacted } from "@codex-authd/shared";
import type { Http } from "../net/http.js";
import { postToIssuer } from "./issuer-request.js";
import type { OAuthClient } from "./oauth-client.js";

/** Upstream's patience (codex-cli 0.169); a person waits for this. */
const REVOCATION_DEADLINE_MS = 10_000;

export interface Revocation {
  readonly token: Redacted;
  readonly tokenTypeHint: "refresh_token" | "access_token";
}

/**
 * Revokes a token, and with it the whole login on every machine (RFC 7009 §2.1, in the JSON form of codex-cli 0.169,
 * which names the `client_id` with a refresh token only).
 * @throws OAuthError
 */
export async function revokeToken(
  http: Http,
  client: OAuthClient,
  { token, tokenTypeHint }: Revocation,
): Promise<void> {
  await postToIssuer(http, {
    exchange: "revocation",
    url: `${client.issuer}/oauth/revoke`,
    headers: {
      "content-type": "application/json",
      originator: client.originator,
      "user-agent": client.userAgent,
      accept: "*/*",
    },
    body: JSON.stringify({
      token: token.reveal(),
      token_type_hint: tokenTypeHint,
      ...(tokenTypeHint === "refresh_token" ? { client_id: client.clientId } : {}),
    }),
    deadlineMs: REVOCATION_DEADLINE_MS,
  });
}
