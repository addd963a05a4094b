import { randomBytes } from "node:crypto";
import { type AuthorizationServer, UPSTREAM_CLIENT_ID } from "./authorization-server.js";
import { challengeOf } from "./issuer/grants.js";
import { UPSTREAM_SCOPE } from "./issuer/jwt.js";

/** Where no listener is needed: the redirect is read, not followed. */
export const REDIRECT_URI = "http://127.0.0.1:1455/auth/callback";

/** A verifier as codex-cli 0.169 makes it. */
export const CODE_VERIFIER = randomBytes(64).toString("base64url");

/** The authorization request of codex-cli 0.169, parameter by parameter. */
export function authorizationParameters(): Record<string, string> {
  return {
    response_type: "code",
    client_id: UPSTREAM_CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    code_challenge: challengeOf(CODE_VERIFIER),
    code_challenge_method: "S256",
    state: randomBytes(32).toString("base64url"),
    scope: UPSTREAM_SCOPE,
    id_token_add_organizations: "true",
    codex_cli_simplified_flow: "true",
    originator: "codex_cli_rs",
  };
}

/** The URL of an authorization request. */
export function authorizationUrl(
  server: AuthorizationServer,
  parameters = authorizationParameters(),
): string {
  return `${server.url}/oauth/authorize?${new URLSearchParams(parameters)}`;
}

/** The code exchange of codex-cli 0.169, parameter by parameter. */
export function codeExchange(code: string): Record<string, string> {
  return {
    grant_type: "authorization_code",
    client_id: UPSTREAM_CLIENT_ID,
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: CODE_VERIFIER,
  };
}

/** The refresh of codex-cli 0.169, key by key. */
export function refreshRequest(refreshToken: string): Record<string, string> {
  return {
    client_id: UPSTREAM_CLIENT_ID,
    grant_type: "refresh_token",
    refresh_reason: "forced",
    refresh_token: refreshToken,
  };
}

/** Sends a form, as the code exchange is. */
export function postForm(url: string, form: Record<string, string>): Promise<Response> {
  return post(url, "application/x-www-form-urlencoded", new URLSearchParams(form).toString());
}

/** Sends JSON, as refresh, revocation and the device endpoints are. */
export function postJson(url: string, body: unknown): Promise<Response> {
  return post(url, "application/json", JSON.stringify(body));
}

/** Sends a body under any content type; redirects are not followed. */
export function post(url: string, contentType: string, body: string): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": contentType }, body, redirect: "manual" });
}

/** Refreshes, and tells the code of the refusal; undefined when there was none. */
export async function refreshCode(
  server: AuthorizationServer,
  refreshToken: string,
): Promise<string | undefined> {
  const response = await postJson(`${server.url}/oauth/token`, refreshRequest(refreshToken));
  return (await response.json()).error?.code;
}
