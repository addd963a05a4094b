import { randomUUID } from "node:crypto";
import { Redacted } from "@codex-authd/shared";
import type { Grant, OtherCredential } from "#daemon/storage/grant-storage.js";

/** A JWT with a made-up signature; what is under test reads it, nobody verifies it. */
export function fakeJwt(claims: Record<string, unknown>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part({ jti: randomUUID(), ...claims })}.c2lnbmF0dXJl`;
}

/** An API key in a store: nobody can tell whose it is. */
export const API_KEY: OtherCredential = {
  authMode: "apikey",
  accountId: null,
  email: null,
  planType: null,
  expiresAtMs: null,
};

export interface FakeGrant {
  readonly accountId?: string;
  readonly email?: string;
  readonly planType?: string;
  readonly issuedAtMs?: number;
  readonly lifetimeSeconds?: number;
  readonly issuer?: string | null;
  readonly refreshToken?: string;
}

/** A managed login that no issuer knows. */
export function fakeGrant(options: FakeGrant = {}): Grant {
  const {
    accountId = "acct-1",
    email = "me@example.com",
    planType = "pro",
    lifetimeSeconds = 3600,
  } = options;
  const issuedAtMs = options.issuedAtMs ?? Date.now();
  const iat = Math.floor(issuedAtMs / 1000);
  const auth = { chatgpt_account_id: accountId, chatgpt_plan_type: planType, chatgpt_user_id: "user-1" };
  const claims = { email, iat, exp: iat + lifetimeSeconds, "https://api.openai.com/auth": auth };
  return {
    idToken: new Redacted(fakeJwt(claims)),
    accessToken: new Redacted(fakeJwt(claims)),
    refreshToken: new Redacted(options.refreshToken ?? `rt_${randomUUID()}`),
    accountId,
    issuer: options.issuer === undefined ? "http://127.0.0.1:9" : options.issuer,
    clientId: "app_EMoamEEZ73f0CkXaXp7hrann",
    lastRefreshAtMs: issuedAtMs,
  };
}
