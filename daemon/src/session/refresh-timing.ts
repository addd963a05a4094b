/** When to refresh: pure functions of a token's times. Early enough that no Codex process on the same file needs to. */
import type { EpochMs } from "@codex-authd/shared";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Codex itself refreshes 5 minutes before `exp` (codex-cli 0.169); 15 leaves room for its clock and our back-off. */
const LEAD_MS = 15 * MINUTE_MS;

/** Below this lifetime Codex is always inside its own 5 minutes, whatever we do. */
const SHORT_LIFETIME_MS = 330_000;

/** However early the rule says, a token is used for this share of its lifetime. */
const MIN_SHARE = 0.1;

/** Codex refreshes a token without `exp` when it is 8 days old (codex-cli 0.169). */
const UPSTREAM_UNDATED_MS = 8 * DAY_MS;

/** A day earlier it is ours. */
const UNDATED_LIFETIME_MS = UPSTREAM_UNDATED_MS - DAY_MS;

/** Share of the wait by which it is moved, so that many daemons do not ask the issuer at once. */
const JITTER = 0.05;

const BACK_OFF_FIRST_MS = 1_000;
const BACK_OFF_MAX_MS = 5 * MINUTE_MS;

/** Codex presents the refresh token this long before `exp` (codex-cli 0.169). */
const UPSTREAM_LEAD_MS = 5 * MINUTE_MS;

export interface TokenTimes {
  readonly issuedAtMs: EpochMs;
  readonly expiresAtMs: EpochMs | null;
}

/**
 * When a token is due: min(½ L, L − 15 min) after its issue, not before 0.1 L; for L under 330 s at ½ L.
 * @param random in [0, 1): moves the wait by up to ± 5 %
 */
export function dueAtMs(token: TokenTimes, random: number): EpochMs {
  const waitMs =
    token.expiresAtMs === null ? UNDATED_LIFETIME_MS : waitFor(token.expiresAtMs - token.issuedAtMs);
  return Math.round(token.issuedAtMs + waitMs * (1 + JITTER * (2 * random - 1)));
}

function waitFor(lifetimeMs: number): number {
  if (lifetimeMs < SHORT_LIFETIME_MS) return lifetimeMs / 2;
  return Math.max(MIN_SHARE * lifetimeMs, Math.min(lifetimeMs / 2, lifetimeMs - LEAD_MS));
}

/**
 * Milliseconds to wait after the `failures`-th transient failure in a row: doubling from 1 s to 5 min, with full
 * second-half jitter; never sooner than the issuer's Retry-After.
 */
export function backOffMs(failures: number, random: number, retryAfterMs = 0): number {
  const ceiling = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.max(retryAfterMs, Math.round(ceiling * (0.5 + 0.5 * random)));
}

/** No wait of ours is longer, Retry-After included: one that is means that the clock was set back. */
const WAIT_MAX_MS = 60 * MINUTE_MS;

/** True when a wait has passed, or cannot be meant. `null` is no wait. */
export function isOver(untilMs: EpochMs | null, nowMs: EpochMs): boolean {
  return untilMs === null || nowMs >= untilMs || untilMs - nowMs > WAIT_MAX_MS;
}

/** True within `intervalMs` after `sinceMs`; a time that is yet to come, after the clock was set back, does not count. */
export function isWithin(intervalMs: number, sinceMs: EpochMs | null, nowMs: EpochMs): boolean {
  return sinceMs !== null && nowMs >= sinceMs && nowMs - sinceMs < intervalMs;
}

/**
 * When a refresh token that may be spent already is presented again: once just before Codex itself would, where a Codex
 * shares it; after that, and in memory, when the access token has ended and nothing is left to lose.
 * @param tries how often it was presented without a usable answer
 */
export function presentAgainAtMs(token: TokenTimes, tries: number, isShared: boolean): EpochMs {
  const endAtMs = token.expiresAtMs ?? token.issuedAtMs + UPSTREAM_UNDATED_MS;
  return isShared && tries < 2 ? endAtMs - UPSTREAM_LEAD_MS : endAtMs;
}
