/** Somebody wrote a spent refresh token into the store: what belongs there in its place. Pure; the store is not touched. */
import { type EpochMs, fingerprint } from "@codex-authd/shared";
import type { Grant } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import { contentKey } from "./adoption.js";
import { grantFacts } from "./grant-facts.js";
import { spentBefore } from "./refusals.js";
import type { Active, SessionEvent, SessionState } from "./state.js";
import type { Successors } from "./successors.js";

export type SpentTokenVerdict =
  /** What came after it is known, and is stored again. `isHeld`: it is what the session goes by already. */
  | {
      readonly kind: "succeeded";
      readonly grant: Grant;
      readonly flow: Active["flow"];
      readonly isHeld: boolean;
    }
  /** Nothing is known to come after it: what is still good of it is served, and its refresh token is not presented again. */
  | { readonly kind: "served"; readonly event: SessionEvent }
  /** The session holds something newer of the same account, which was refused. */
  | { readonly kind: "ignored" };

export interface SpentTokenKnowledge {
  readonly state: SessionState;
  readonly successors: Successors;
  readonly record: SessionRecord;
  readonly nowMs: EpochMs;
}

export function judgeSpentToken(spent: Grant, knowledge: SpentTokenKnowledge): SpentTokenVerdict {
  const { state, nowMs } = knowledge;
  const grant = successorOf(spent, knowledge);
  if (grant) return { kind: "succeeded", grant, ...heldAs(grant, state) };
  if (state.kind === "reauthorizationRequired" && state.grant.accountId === spent.accountId)
    return { kind: "ignored" };
  const failure = { error: spentBefore(), atMs: nowMs };
  const facts = grantFacts(spent, nowMs);
  return { kind: "served", event: { kind: "grantedSpent", grant: spent, facts, flow: null, failure } };
}

/** What this session holds of the same account is the newest; else what is known to come after it. */
function successorOf(spent: Grant, { state, successors, record }: SpentTokenKnowledge): Grant | undefined {
  if (state.kind === "active" && state.grant.accountId === spent.accountId) return state.grant;
  const latest = successors.latest(spent);
  return latest && !record.isSpent(fingerprint(latest.refreshToken.reveal())) ? latest : undefined;
}

function heldAs(grant: Grant, state: SessionState): { flow: Active["flow"]; isHeld: boolean } {
  if (state.kind !== "active") return { flow: null, isHeld: false };
  const [successor, held] = [grant, state.grant].map((one) => contentKey({ kind: "managed", grant: one }));
  return { flow: state.flow, isHeld: successor === held };
}
