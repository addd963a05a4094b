/** What upstream's tokens say about their account (codex-cli 0.169). Signatures are not checked: the issuer's TLS was. */
import type { EpochMs } from "@codex-authd/shared";
import { isJsonObject, readJsonObject } from "./json-object.js";

export interface JwtClaims {
  readonly expAtMs?: EpochMs;
  readonly iatAtMs?: EpochMs;
  readonly email?: string;
  /** `chatgpt_plan_type` as it stands; `canonicalPlanType` names it. */
  readonly planType?: string;
  readonly accountId?: string;
  readonly userId?: string;
}

const AUTH_CLAIM = "https://api.openai.com/auth";
const PROFILE_CLAIM = "https://api.openai.com/profile";

/** The last moment that a `Date` can hold: a claim beyond it means "never". */
const LATEST_AT_MS = 8.64e15;

/**
 * The claims of an id_token or access token; `undefined` when it is no JWT: three non-empty parts, the second of them
 * base64url without padding of a JSON object. A claim of the wrong type counts as absent.
 */
export function readJwtClaims(token: string): JwtClaims | undefined {
  const claims = readPayload(token);
  if (claims === undefined) return undefined;
  const auth = objectClaim(claims[AUTH_CLAIM]);
  const profile = objectClaim(claims[PROFILE_CLAIM]);
  return withoutAbsent({
    expAtMs: timeClaim(claims.exp),
    iatAtMs: timeClaim(claims.iat),
    email: textClaim(claims.email) ?? textClaim(profile.email),
    planType: textClaim(auth.chatgpt_plan_type),
    accountId: textClaim(auth.chatgpt_account_id),
    userId: textClaim(auth.chatgpt_user_id) ?? textClaim(auth.user_id),
  });
}

function readPayload(token: string): Record<string, unknown> | undefined {
  const parts = token.split(".");
  const payload = parts[1];
  if (parts.length !== 3 || payload === undefined || parts.includes("")) return undefined;
  // Buffer.from would skip what is not base64url.
  if (!/^[\w-]+$/.test(payload) || payload.length % 4 === 1) return undefined;
  return readJsonObject(Buffer.from(payload, "base64url").toString("utf8"));
}

function objectClaim(value: unknown): Record<string, unknown> {
  return isJsonObject(value) ? value : {};
}

function textClaim(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** NumericDate (RFC 7519 §2), in seconds. */
function timeClaim(value: unknown): EpochMs | undefined {
  if (typeof value !== "number") return undefined;
  return Math.min(Math.max(Math.floor(value * 1000), 0), LATEST_AT_MS);
}

function withoutAbsent(claims: { [K in keyof JwtClaims]: JwtClaims[K] | undefined }): JwtClaims {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
