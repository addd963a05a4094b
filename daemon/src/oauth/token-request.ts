/** The token endpoint (RFC 6749 §3.2, §4.1.3, §6), as codex-cli 0.169 speaks to it. */
import { type EpochMs, Redacted, type Seconds } from "@codex-authd/shared";
import type { Http, HttpResponse } from "../net/http.js";
import { postToIssuer } from "./issuer-request.js";
import { readJsonObject } from "./json-object.js";
import { readJwtClaims } from "./jwt-claims.js";
import type { OAuthClient } from "./oauth-client.js";
import { type Exchange, unusable } from "./oauth-error.js";

/** Upstream's patience (codex-cli 0.169). Less would cut off a slow issuer that has already spent the token. */
const TOKEN_DEADLINE_MS = 45_000;

/** Upstream's names for why a refresh token is presented (codex-cli 0.169). */
export type RefreshReason = "forced" | "proactive_expiry" | "scheduled" | "unauthorized_recovery";

/** What a token endpoint gave. What it left out stays as it was. */
export interface TokenResponse {
  readonly idToken?: Redacted;
  readonly accessToken?: Redacted;
  readonly refreshToken?: Redacted;
  readonly expiresInSeconds?: Seconds;
  /** The issuer's clock, from the `Date` header. */
  readonly issuerDateMs?: EpochMs;
}

/** The token response of a login, which has to be whole. */
export type LoginTokenResponse = TokenResponse &
  Required<Pick<TokenResponse, "idToken" | "accessToken" | "refreshToken">>;

export interface CodeGrant {
  readonly code: Redacted;
  readonly redirectUri: string;
  readonly codeVerifier: Redacted;
  readonly signal?: AbortSignal;
}

export interface RefreshGrant {
  readonly refreshToken: Redacted;
  readonly reason: RefreshReason;
  readonly signal?: AbortSignal;
}

/**
 * Exchanges an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
 * @throws OAuthError; the signal's reason when it aborts
 */
export async function requestTokensByCode(
  http: Http,
  client: OAuthClient,
  grant: CodeGrant,
): Promise<LoginTokenResponse> {
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: client.clientId,
    code: grant.code.reveal(),
    redirect_uri: grant.redirectUri,
    code_verifier: grant.codeVerifier.reveal(),
  });
  const response = await postToIssuer(http, {
    exchange: "login",
    url: tokenEndpoint(client),
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "*/*" },
    body: form.toString(),
    deadlineMs: TOKEN_DEADLINE_MS,
    signal: grant.signal,
  });
  const tokens = parseTokenResponse(response, "login");
  const { idToken, accessToken, refreshToken } = tokens;
  if (!idToken || !accessToken || !refreshToken) {
    throw unusable(response, "login", "does not hold an ID token, an access token and a refresh token");
  }
  return { ...tokens, idToken, accessToken, refreshToken };
}

/**
 * Presents a refresh token, once (RFC 6749 §6).
 * @throws OAuthError; `ambiguous` means that the token may be spent
 */
export async function requestTokensByRefresh(
  http: Http,
  client: OAuthClient,
  grant: RefreshGrant,
): Promise<TokenResponse> {
  const response = await postToIssuer(http, {
    exchange: "refresh",
    url: tokenEndpoint(client),
    headers: {
      "content-type": "application/json",
      originator: client.originator,
      "user-agent": client.userAgent,
      accept: "*/*",
    },
    body: JSON.stringify({
      client_id: client.clientId,
      grant_type: "refresh_token",
      refresh_reason: grant.reason,
      refresh_token: grant.refreshToken.reveal(),
    }),
    deadlineMs: TOKEN_DEADLINE_MS,
    signal: grant.signal,
  });
  const tokens = parseTokenResponse(response, "refresh");
  if (tokens.accessToken || tokens.refreshToken) return tokens;
  throw unusable(response, "refresh", "holds neither an access token nor a refresh token");
}

function tokenEndpoint(client: OAuthClient): string {
  return `${client.issuer}/oauth/token`;
}

/**
 * The parts of a token response (RFC 6749 §5.1) that can be used. An unreadable `id_token` counts as absent: stored, it
 * would make upstream reject the whole auth.json.
 */
function parseTokenResponse(response: HttpResponse, exchange: Exchange): TokenResponse {
  const object = readJsonObject(response.body);
  if (object === undefined) throw unusable(response, exchange, "is not a JSON object");
  const { id_token, access_token, refresh_token, expires_in } = object;
  const issuerDateMs = Date.parse(response.headers.date ?? "");
  return {
    ...(isToken(id_token) && readJwtClaims(id_token) ? { idToken: new Redacted(id_token) } : {}),
    ...(isToken(access_token) ? { accessToken: new Redacted(access_token) } : {}),
    ...(isToken(refresh_token) ? { refreshToken: new Redacted(refresh_token) } : {}),
    ...(typeof expires_in === "number" ? { expiresInSeconds: expires_in } : {}),
    ...(Number.isNaN(issuerDateMs) ? {} : { issuerDateMs }),
  };
}

/** Visible ASCII (RFC 6749 appendix A.12): anything else would not pass through a header. */
function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}
