import type { SessionStatus } from "@codex-authd/shared";
import type { GrantStorage } from "../storage/grant-storage.js";
import type { RefreshFlight } from "./refresh-flight.js";
import { reasonOf } from "./refusals.js";
import { type Failure, identityOf, type SessionState } from "./state.js";
import type { StoredState } from "./stored-state.js";

export interface StatusSources {
  readonly codexHome: string;
  readonly name: string | null;
  readonly storage: GrantStorage;
  readonly stored: StoredState;
  readonly flight: RefreshFlight;
  readonly network: SessionStatus["network"];
}

/** A session as everybody may see it: no token, no secret, and no I/O to find it out. */
export function statusOf(sources: StatusSources): SessionStatus {
  const { codexHome, name, storage, stored, flight, network } = sources;
  const state = stored.current;
  const held = state.kind === "signedOut" ? null : state;
  const shown = state.kind === "signedOut" ? state.other : state.facts;
  const active = state.kind === "active" ? state : null;
  return {
    codexHome,
    storage: storage.kind,
    sessionName: name,
    state: state.kind,
    reason: state.kind === "active" ? null : reasonOf(state),
    generation: stored.generation,
    authMode: authModeOf(state),
    ...identityOf(state),
    planType: shown?.planType ?? null,
    issuer: held?.grant.issuer ?? null,
    network,
    flow: held?.flow ?? null,
    expiresAtMs: shown?.expiresAtMs ?? null,
    lastRefreshAtMs: held?.grant.lastRefreshAtMs ?? null,
    nextRefreshAtMs: active ? flight.nextRefreshAtMs(active) : null,
    refreshInFlight: flight.isInFlight,
    storageState: active?.isUnsaved ? "pending" : "stored",
    lastError: lastErrorOf(active ? flight.failureOf(active) : state.failure),
    warnings: [...(storage.warnings ?? []), ...warningsOf(stored, flight)],
  };
}

function authModeOf(state: SessionState): string | null {
  return state.kind === "signedOut" ? (state.other?.authMode ?? null) : "chatgpt";
}

function lastErrorOf(failure: Failure | null): SessionStatus["lastError"] {
  if (!failure) return null;
  const { code, message, oauthError } = failure.error;
  return { code, message, atMs: failure.atMs, ...(oauthError === undefined ? {} : { oauthError }) };
}

function warningsOf(stored: StoredState, flight: RefreshFlight): string[] {
  const { current, readProblem } = stored;
  if (current.kind !== "active") return [];
  const warnings: string[] = [];
  if (readProblem) warnings.push(`${readProblem.message} The login in memory is served meanwhile.`);
  if (current.isUnsaved) warnings.push("The newest token is in memory only; its write is being retried.");
  const obstacle = flight.obstacle(current.grant);
  if (obstacle) warnings.push(obstacle.message);
  return warnings;
}
