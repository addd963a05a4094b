import { fingerprint } from "@codex-authd/shared";
import type { StoredCredential } from "../storage/grant-storage.js";
import type { SessionState } from "./state.js";

/** What a look at the store means for a session. `putBack`: it holds a spent token, and what came after it belongs there. */
export type Adoption = "unchanged" | "adopt" | "putBack" | "remove" | "replace";

export interface StoreLook {
  readonly stored: StoredCredential;
  /** {@link contentKey} of what our own pending write will replace: no news while that write waits. */
  readonly overwritten: string | null;
  /** Tells a refresh token's fingerprint that was rotated away or refused. */
  readonly isSpent: (fingerprint: string) => boolean;
}

/**
 * Compares the store with the session's state. The store wins, except with a refresh token that is known to be spent, and
 * while our own newer tokens still wait to be written.
 */
export function adoptionOf(state: SessionState, { stored, overwritten, isSpent }: StoreLook): Adoption {
  const key = contentKey(stored);
  if (key === stateKey(state) || key === overwritten) return "unchanged";
  if (stored.kind === "absent") return "remove";
  if (stored.kind === "other") return "replace";
  return isSpent(fingerprint(stored.grant.refreshToken.reveal())) ? "putBack" : "adopt";
}

/** Names a content of the store: two that a session would treat alike have the same key. Holds no token. */
export function contentKey(stored: StoredCredential): string {
  if (stored.kind === "absent") return "absent";
  if (stored.kind === "other") {
    const { authMode, accountId, email, planType, expiresAtMs } = stored;
    return ["other", authMode, accountId, email, planType, expiresAtMs].join(" ");
  }
  const { accessToken, refreshToken, accountId, issuer, clientId } = stored.grant;
  const tokens = [fingerprint(accessToken.reveal()), fingerprint(refreshToken.reveal())];
  return ["managed", ...tokens, accountId, issuer, clientId].join(" ");
}

/** The content that this state stands for. */
function stateKey(state: SessionState): string {
  if (state.kind !== "signedOut") return contentKey({ kind: "managed", grant: state.grant });
  if (state.other) return contentKey({ kind: "other", ...state.other });
  return state.failure ? "unreadable" : "absent";
}
