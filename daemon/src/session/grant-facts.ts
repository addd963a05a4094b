import { canonicalPlanType, type EpochMs, fingerprint, type PlanType } from "@codex-authd/shared";
import { readJwtClaims } from "../oauth/jwt-claims.js";
import type { Grant } from "../storage/grant-storage.js";

/** What can be read from a grant's tokens, once, so that no caller waits for it. */
export interface GrantFacts {
  readonly accessTokenFingerprint: string;
  readonly refreshTokenFingerprint: string;
  readonly issuedAtMs: EpochMs;
  /** `null` for an access token without a readable `exp`. */
  readonly expiresAtMs: EpochMs | null;
  readonly email: string | null;
  readonly planType: PlanType | null;
}

/**
 * The grant under the account that its own ID token names. What is written beside the tokens is the account of the login:
 * upstream leaves it when a refresh brings tokens of another one (codex-cli 0.169).
 */
export function underOwnAccount(grant: Grant): Grant {
  const accountId = readJwtClaims(grant.idToken.reveal())?.accountId ?? grant.accountId;
  return { ...grant, accountId };
}

/** `nowMs` stands for the time of issue when the tokens do not tell it. */
export function grantFacts(grant: Grant, nowMs: EpochMs): GrantFacts {
  const access = readJwtClaims(grant.accessToken.reveal());
  const identity = readJwtClaims(grant.idToken.reveal());
  return {
    accessTokenFingerprint: fingerprint(grant.accessToken.reveal()),
    refreshTokenFingerprint: fingerprint(grant.refreshToken.reveal()),
    issuedAtMs: access?.iatAtMs ?? grant.lastRefreshAtMs ?? nowMs,
    expiresAtMs: access?.expAtMs ?? null,
    email: identity?.email ?? access?.email ?? null,
    planType: canonicalPlanType(identity?.planType ?? access?.planType),
  };
}
