import { fingerprint } from "@codex-authd/shared";
import type { Grant } from "../storage/grant-storage.js";
import { type RotatedTokens, withTokens } from "./exchange.js";

/** Rotations that are remembered, over all sessions: whoever still holds an older token has been away for days. */
const SUCCESSORS_MAX = 1_024;

/**
 * What became of each refresh token that this daemon spent, in memory only. Whoever turns up with a spent token, a copied
 * Codex home or a file that was moved away and back, gets what came after it instead of spending it again.
 */
export class Successors {
  readonly #byToken = new Map<string, RotatedTokens>();

  /** `spent` is a refresh token's fingerprint. */
  add(spent: string, tokens: RotatedTokens): void {
    this.#byToken.set(spent, tokens);
    const [oldest] = this.#byToken.keys();
    if (this.#byToken.size > SUCCESSORS_MAX && oldest !== undefined) this.#byToken.delete(oldest);
  }

  /** The grant with the newest tokens that are known to come after its own, or `undefined`. */
  latest(grant: Grant): Grant | undefined {
    let latest: Grant | undefined;
    for (let next = this.#after(grant); next; next = this.#after(next)) latest = next;
    return latest;
  }

  #after(grant: Grant): Grant | undefined {
    const spent = fingerprint(grant.refreshToken.reveal());
    const tokens = this.#byToken.get(spent);
    return tokens && withTokens(grant, tokens);
  }
}
