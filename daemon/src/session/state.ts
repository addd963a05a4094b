/**
 * The state of one session, as a tagged union and a pure transition. It owns no time and does no I/O. Invariants: every
 * change of what a caller could see raises the generation; a refused grant may still be served until its access token
 * ends, and is never refreshed; facts that depend on now (fresh, due, expired) are functions of (state, now) elsewhere,
 * never states; a pending login is beside the state.
 */
import type { AuthError, EpochMs } from "@codex-authd/shared";
import type { Grant, OtherCredential } from "../storage/grant-storage.js";
import type { GrantFacts } from "./grant-facts.js";

/** A failure as it is remembered: what is thrown again, and when it happened. */
export interface Failure {
  readonly error: AuthError;
  readonly atMs: EpochMs;
}

export interface Identity {
  readonly accountId: string | null;
  readonly email: string | null;
}

export interface SignedOut {
  readonly kind: "signedOut";
  readonly reason:
    | "noLogin"
    | "loggedOut"
    | "fileGone"
    | "otherCredential"
    | "unreadable"
    | "endedWithDaemon";
  /** What is there instead of a login of ours, when something is. */
  readonly other: OtherCredential | null;
  readonly failure: Failure | null;
}

/** A grant and what can be read from it. */
export interface Held {
  readonly grant: Grant;
  readonly facts: GrantFacts;
  readonly flow: "browser" | "device" | null;
}

export interface Active extends Held {
  readonly kind: "active";
  /** Failed exchanges since the last good one. */
  readonly failures: number;
  readonly failure: Failure | null;
  /** No exchange starts before this, unless it is `null`. */
  readonly retryAtMs: EpochMs | null;
  /** The grant is in memory only: its write failed and is being retried. */
  readonly isUnsaved: boolean;
}

export interface ReauthorizationRequired extends Held {
  readonly kind: "reauthorizationRequired";
  readonly failure: Failure;
}

export type SessionState = SignedOut | Active | ReauthorizationRequired;

export type SessionEvent =
  | ({ readonly kind: "granted" } & Held & {
        /** Why the grant is in memory only; `null` when it is stored. */
        readonly writeFailure: Failure | null;
      })
  /** A grant whose refresh token is spent: nothing but its access token is worth anything. */
  | ({ readonly kind: "grantedSpent"; readonly failure: Failure } & Held)
  | { readonly kind: "deferred"; readonly failure: Failure; readonly retryAtMs: EpochMs }
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "stored" }
  | { readonly kind: "removed"; readonly reason: "noLogin" | "loggedOut" | "fileGone" }
  | { readonly kind: "replacedByOther"; readonly other: OtherCredential }
  | { readonly kind: "unreadable"; readonly failure: Failure };

export const SIGNED_OUT: SignedOut = { kind: "signedOut", reason: "noLogin", other: null, failure: null };

/** Of a memory session whose daemon is gone. */
export const ENDED_WITH_DAEMON: SignedOut = { ...SIGNED_OUT, reason: "endedWithDaemon" };

/** The state after `event`; the same object when the event means nothing in this state. */
export function transition(state: SessionState, event: SessionEvent): SessionState {
  switch (event.kind) {
    case "granted":
      return activeWith(event);
    case "grantedSpent":
      return endedWith(event, event.failure);
    case "removed":
      return { ...SIGNED_OUT, reason: event.reason };
    case "replacedByOther":
      return {
        ...SIGNED_OUT,
        reason: "otherCredential",
        other: event.other,
      };
    case "unreadable":
      // What is in memory is still good: a file that cannot be read is never a logout.
      return state.kind === "signedOut"
        ? { ...SIGNED_OUT, reason: "unreadable", failure: event.failure }
        : state;
    default:
      return state.kind === "active" ? whileActive(state, event) : state;
  }
}

function activeWith({ grant, facts, flow, writeFailure }: SessionEvent & { kind: "granted" }): Active {
  const isUnsaved = writeFailure !== null;
  return {
    kind: "active",
    grant,
    facts,
    flow,
    isUnsaved,
    failures: 0,
    failure: writeFailure,
    retryAtMs: null,
  };
}

function endedWith({ grant, facts, flow }: Held, failure: Failure): ReauthorizationRequired {
  return { kind: "reauthorizationRequired", grant, facts, flow, failure };
}

type ActiveEvent = Extract<SessionEvent, { kind: "deferred" | "refused" | "stored" }>;

function whileActive(state: Active, event: ActiveEvent): SessionState {
  switch (event.kind) {
    case "deferred":
      return { ...state, failures: state.failures + 1, failure: event.failure, retryAtMs: event.retryAtMs };
    case "refused":
      return endedWith(state, event.failure);
    case "stored":
      return state.isUnsaved ? { ...state, isUnsaved: false, failure: null } : state;
  }
}

/** True while the session goes on with the refresh token of `before`, whatever else was found or failed since. */
export function goesOnWith(state: SessionState, { facts }: Active): state is Active {
  return state.kind === "active" && state.facts.refreshTokenFingerprint === facts.refreshTokenFingerprint;
}

/** Whose session it is, or was. */
export function identityOf(state: SessionState): Identity {
  if (state.kind === "signedOut")
    return { accountId: state.other?.accountId ?? null, email: state.other?.email ?? null };
  return { accountId: state.grant.accountId, email: state.facts.email };
}
