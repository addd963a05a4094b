import { fingerprint } from "@codex-authd/shared";
import type { Grant, StoredCredential } from "../storage/grant-storage.js";
import { identityOf, type SessionState } from "./state.js";

/** What a look at the store means for a session. `putBack`: the store holds a token that was spent already. */
export type Adoption = "unchanged" | "adopt" | "putBack" | "remove" | "replace";

/**
 * Compares the store with the session's state. The store wins, except with a refresh token that is known to be spent,
 * and while our own newer tokens still wait to be written.
 * @param isSpent tells a refresh token's fingerprint that was rotated away or refused
 */
export function adoptionOf(
  state: SessionState,
  stored: StoredCredential,
  isSpent: (fingerprint: string) => boolean,
): Adoption {
  if (stored.kind === "absent") return absent(state);
  if (stored.kind === "other")
    return sameOther(state, stored.authMode, stored.accountId) ? "unchanged" : "replace";
  const access = fingerprint(stored.grant.accessToken.reveal());
  const refresh = fingerprint(stored.grant.refreshToken.reveal());
  if (state.kind === "active") {
    const { facts } = state;
    if (facts.refreshTokenFingerprint === refresh && facts.accessTokenFingerprint === access)
      return "unchanged";
  }
  return isSpent(refresh) && isSameAccount(state, stored.grant) ? "putBack" : "adopt";
}

/** A spent token of another account is no accident of ours to mend: the file wins, and the issuer will say what it is. */
function isSameAccount(state: SessionState, grant: Grant): boolean {
  return state.kind !== "signedOut" && identityOf(state).accountId === grant.accountId;
}

function absent(state: SessionState): Adoption {
  if (state.kind === "active") return state.isUnsaved ? "unchanged" : "remove";
  if (state.kind === "reauthorizationRequired") return "remove";
  return state.other || state.failure ? "remove" : "unchanged";
}

function sameOther(state: SessionState, authMode: string, accountId: string | null): boolean {
  return (
    state.kind === "signedOut" && state.other?.authMode === authMode && state.other.accountId === accountId
  );
}
