/**
 * What a session has to remember across restarts: which refresh token it is about to spend, which ones are spent, what
 * its login was bound to, and that this daemon is the one that may rotate it. Of tokens hashes only. In our own state folder, so that another
 * daemon of this user finds the same record for the same real file.
 */
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AuthError, type EpochMs } from "@codex-authd/shared";
import { z } from "zod";
import { isFlockAvailable, tryFlock } from "../native/flock.js";
import { removeLeftovers, writeDurably } from "./durable-write.js";
import { type NetworkBinding, networkBindingSchema, storedBinding } from "./network-binding.js";

/** A token that was spent longer ago than this many rotations is not going to be put back by anybody. */
const SPENT_MAX = 64;

const recordSchema = z.object({
  location: z.string(),
  codexHome: z.string(),
  intent: z.object({ refreshToken: z.string(), startedAtMs: z.number(), tries: z.number() }).nullable(),
  spent: z.array(z.string()),
  network: networkBindingSchema.nullable().default(null),
});

type Remembered = z.output<typeof recordSchema>;

/** An exchange that was begun: the fingerprint of the token that may be spent by it, and how often it was presented. */
export type Intent = NonNullable<Remembered["intent"]>;

/** `owned`: this daemon may rotate. `elsewhere`: another daemon does. `unlockable`: nobody can say, so nobody may. */
export type Ownership = "owned" | "elsewhere" | "unlockable";

export interface SessionRecord {
  readonly ownership: Ownership;
  /** The exchange that was begun last and of whose end nothing is known. */
  readonly intent: Intent | null;
  /** Tries again to become the owner. */
  claim(): void;
  /**
   * Remembers, durably, that this token is about to be spent.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; then it must not be spent
   */
  begin(refreshToken: string, nowMs: EpochMs): void;
  /**
   * This token was rotated away or refused: it is not believed again, wherever it turns up. On disk with {@link end}, for
   * until then the intent says as much, and what the token brought is in a hurry to be stored.
   */
  markSpent(refreshToken: string): void;
  /** The exchange has ended, and what it brought is stored; remembers what is spent by it. */
  end(): void;
  isSpent(refreshToken: string): boolean;
  /** What the last login was bound to; `null` after a logout, and before the first one. */
  readonly network: NetworkBinding | null;
  /** Replaces {@link network}, for as long as this daemon runs also where it cannot be written. */
  bind(network: NetworkBinding | null): void;
  close(): void;
}

/** The record of the session at `location`, created when there is none. */
export function openSessionRecord(
  folder: string,
  place: { location: string; codexHome: string },
): SessionRecord {
  const path = join(folder, `${createHash("sha256").update(place.location).digest("hex").slice(0, 32)}.json`);
  const lock = openLock(folder, `${path}.lock`);
  return recordOn({
    load: () => readRecord(path) ?? { ...place, intent: null, spent: [], network: null },
    save: (remembered) => save(path, remembered),
    claim: () => (lock === undefined ? "unlockable" : claimOwnership(lock)),
    close: () => lock !== undefined && closeSync(lock),
  });
}

/** `undefined` where the state folder cannot be used: the session is served all the same, and not rotated. */
function openLock(folder: string, path: string): number | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    removeLeftovers(folder);
    return openSync(path, "a+", 0o600);
  } catch {
    return undefined;
  }
}

/** The record of a session that ends with the daemon. */
export function createVolatileRecord(location: string): SessionRecord {
  return recordOn({
    load: () => ({ location, codexHome: "", intent: null, spent: [], network: null }),
    save: () => {},
    claim: () => "owned",
    close: () => {},
  });
}

interface RecordPlace {
  load(): Remembered;
  save(remembered: Remembered): void;
  claim(): Ownership;
  close(): unknown;
}

function recordOn(place: RecordPlace): SessionRecord {
  let remembered = place.load();
  let ownership = place.claim();
  const save = (next: Remembered): void => {
    if (ownership === "owned") place.save(next);
  };
  const keep = (next: Remembered): void => {
    remembered = next;
    try {
      save(next);
    } catch {}
  };
  return {
    get ownership() {
      return ownership;
    },
    get intent() {
      return remembered.intent;
    },
    claim() {
      if (ownership !== "elsewhere") return;
      ownership = place.claim();
      if (ownership === "owned") remembered = place.load();
    },
    begin(refreshToken, nowMs) {
      const { intent } = remembered;
      const tries = intent?.refreshToken === refreshToken ? intent.tries + 1 : 1;
      const next = { ...remembered, intent: { refreshToken, startedAtMs: nowMs, tries } };
      save(next);
      remembered = next;
    },
    markSpent(refreshToken) {
      remembered = { ...remembered, spent: [...remembered.spent, refreshToken].slice(-SPENT_MAX) };
    },
    end() {
      if (remembered.intent === null) return;
      // When it stays on disk, the intent names a token which the store no longer holds, and so means nothing.
      keep({ ...remembered, intent: null });
    },
    isSpent: (refreshToken) => remembered.spent.includes(refreshToken),
    get network() {
      return remembered.network;
    },
    bind(network) {
      if (network !== remembered.network) keep({ ...remembered, network });
    },
    close: () => void place.close(),
  };
}

/** The Codex homes that have a record: the sessions to keep fresh from the start. */
export function rememberedHomes(folder: string): string[] {
  return listRecords(folder).flatMap((path) => readRecord(path)?.codexHome ?? []);
}

function listRecords(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** `undefined` for a record that is missing or unusable: it is made anew, and the issuer's word decides. */
function readRecord(path: string): Remembered | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

function save(path: string, record: Remembered): void {
  try {
    const network = record.network && storedBinding(record.network);
    writeDurably(path, JSON.stringify({ ...record, network }));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AuthError(
      "ERR_STORAGE_UNAVAILABLE",
      `The record ${path} cannot be written (${code}), so no token is spent. Free the disk or mend its permissions.`,
      { cause },
    );
  }
}

function claimOwnership(lock: number): Ownership {
  if (!isFlockAvailable()) return "unlockable";
  try {
    return tryFlock(lock) ? "owned" : "elsewhere";
  } catch {
    return "unlockable";
  }
}
