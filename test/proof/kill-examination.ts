/** What a killed process left behind, and what the next one makes of it. */
import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fingerprint, type SessionStatus } from "@codex-authd/shared";
import { authJsonLocation } from "#daemon/storage/file-storage.js";
import { openSessionRecord } from "#daemon/storage/session-record.js";
import type { AuthorizationServer, Family } from "../helpers/authorization-server.js";
import { readAuthJson } from "../helpers/logins.js";
import { openSessionLayer, type SessionPlace } from "./session-layer.js";

/** How far the refresh was, in the order of its steps, as its traces tell. */
export const PHASES = ["before", "intended", "sent", "answered", "stored", "told"] as const;
export type Phase = (typeof PHASES)[number];

export interface Examination {
  readonly phase: Phase;
  /** The issuer has spent the stored refresh token: a person has to log in again. */
  readonly isLost: boolean;
  /** Temporary files that were there after the kill, and after the next process had opened the session. */
  readonly temporaryFiles: number;
  readonly temporaryFilesLater: number;
  /** What must not be, in words. */
  readonly faults: readonly Fault[];
}

export type Fault = "torn" | "forgotten" | "silent" | "presented" | "unwell";

/** Time for the issuer to read what a dead process had sent. */
const IN_FLIGHT_MS = 10;

/** Looks at the files, then opens the session as the next daemon would, with every reason to refresh it. */
export async function examine(
  place: SessionPlace,
  issuer: AuthorizationServer,
  told: readonly string[],
): Promise<Examination> {
  await delay(IN_FLIGHT_MS);
  const family = issuer.families.at(-1);
  if (!family) throw new Error("There is no login to examine.");
  const stored = storedGeneration(place, family);
  const temporaryFiles = countTemporaryFiles(place);
  const phase = phaseOf({ place, issuer, family, stored, told });
  const sent = requestsWith(issuer, family);
  const next = await reopened(place);
  const isLost = stored !== undefined && stored < family.exchanges && phase !== "before";
  const mayBeSpent = ["intended", "sent", "answered"].includes(phase);
  const faults: Fault[] = [];
  if (stored === undefined) faults.push("torn");
  if (told.some((token) => generationOf(token, family) > (stored ?? -1))) faults.push("forgotten");
  if (isLost && !isKnown(next)) faults.push("silent");
  if (mayBeSpent && requestsWith(issuer, family) > sent) faults.push("presented");
  if (!mayBeSpent && !isWell(next)) faults.push("unwell");
  return { phase, isLost, temporaryFiles, temporaryFilesLater: countTemporaryFiles(place), faults };
}

/** 0: the file holds the login as it was written; 1: what the refresh brought; `undefined`: anything else. */
function storedGeneration({ codexHome }: SessionPlace, family: Family): number | undefined {
  try {
    const { tokens, auth_mode } = readAuthJson(codexHome);
    const at = family.refreshTokens.findIndex(({ value }) => value === tokens.refresh_token);
    const isWhole =
      auth_mode === "chatgpt" && tokens.account_id === family.user.accountId && tokens.id_token !== "";
    return isWhole && at >= 0 && family.accessTokens[at]?.value === tokens.access_token ? at : undefined;
  } catch {
    return undefined;
  }
}

interface Traces {
  readonly place: SessionPlace;
  readonly issuer: AuthorizationServer;
  readonly family: Family;
  readonly stored: number | undefined;
  readonly told: readonly string[];
}

function phaseOf({ place, issuer, family, stored, told }: Traces): Phase {
  if (stored === 1) return told.some((token) => generationOf(token, family) === 1) ? "told" : "stored";
  const { codexHome, recordFolder } = place;
  const record = openSessionRecord(recordFolder, { location: authJsonLocation(codexHome), codexHome });
  try {
    if (record.isSpent(fingerprint(firstOf(family)))) return "answered";
    if (requestsWith(issuer, family) > 0) return "sent";
    return record.intent ? "intended" : "before";
  } finally {
    record.close();
  }
}

interface Reopened {
  readonly status: SessionStatus;
  readonly isServed: boolean;
}

/** What the next daemon says and serves, after a look at whether something is due. */
async function reopened(place: SessionPlace): Promise<Reopened> {
  await using layer = await openSessionLayer(place);
  layer.session.tick();
  const status = layer.session.status();
  const isServed = await layer.session.getToken({}).then(Boolean, () => false);
  return { status, isServed };
}

/** Served on, with the true reason why it will end. */
function isKnown({ status: { lastError }, isServed }: Reopened): boolean {
  const words = /ended in the middle of a refresh|was spent or refused before/;
  return isServed && words.test(lastError?.message ?? "");
}

function isWell({ status: { state, lastError }, isServed }: Reopened): boolean {
  return isServed && state === "active" && lastError === null;
}

function firstOf(family: Family): string {
  return family.refreshTokens[0]?.value ?? "";
}

/** How often the token of the login was presented. */
function requestsWith(issuer: AuthorizationServer, family: Family): number {
  return issuer.requestsTo("refresh").filter(({ parsed }) => parsed.refresh_token === firstOf(family)).length;
}

function generationOf(token: string, family: Family): number {
  return family.accessTokens.findIndex(({ value }) => fingerprint(value) === token);
}

/** What belongs into a Codex home and the folder of the records; everything else there is a write that was not finished. */
const FINISHED = /^(auth\.json|auth\.lock|auth\.json\.lock|[0-9a-f]{32}\.json(\.lock)?)$/;

function countTemporaryFiles({ codexHome, recordFolder }: SessionPlace): number {
  const names = [codexHome, recordFolder].flatMap((folder) => readdirSync(folder));
  return names.filter((name) => !FINISHED.test(name)).length;
}
