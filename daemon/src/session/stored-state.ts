/**
 * A session's state and its store, kept in step. Everything that reads or writes the store runs here, one thing at a
 * time. Every change: new generation → stored → published. S3: tokens that cannot be stored are kept, and their *write*
 * is retried; S4, S5: what another process wrote is adopted, and the file wins.
 */
import { AuthError, type EpochMs, sleep } from "@codex-authd/shared";
import type { NetworkSettings } from "../net/network-settings.js";
import type { Grant, GrantStorage, SaveOutcome, StoredCredential } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import { adoptionOf, contentKey } from "./adoption.js";
import type { SessionContext } from "./context.js";
import { grantFacts, underOwnAccount } from "./grant-facts.js";
import { backOffMs, isOver } from "./refresh-timing.js";
import { judgeSpentToken, type SpentTokenVerdict } from "./spent-token.js";
import {
  type Active,
  ENDED_WITH_DAEMON,
  type Failure,
  goesOnWith,
  type Identity,
  identityOf,
  type SessionEvent,
  type SessionState,
  SIGNED_OUT,
  transition,
} from "./state.js";

/** A deleted file is looked for again after this long, since some writers delete before they create. */
const ABSENT_PAUSE_MS = 250;

export type ChangeCause =
  | "login"
  | "refresh"
  | "adoption"
  | "logout"
  | "fileGone"
  | "refusal"
  | "deferral"
  | "storage";

export interface Change {
  readonly cause: ChangeCause;
  /** The account before, when it is another one now. */
  readonly previousAccount: Identity | null;
}

/** What is granted, how it came, and how it is written. */
interface Granting {
  readonly grant: Grant;
  readonly flow: Active["flow"];
  readonly cause: ChangeCause;
  readonly write: () => Promise<SaveOutcome>;
}

interface PendingWrite {
  readonly write: () => Promise<SaveOutcome>;
  readonly attempts: number;
  readonly nextAtMs: EpochMs;
  /** Key of the content that it will replace. */
  readonly overwritten: string | null;
}

type Succeeded = Extract<SpentTokenVerdict, { kind: "succeeded" }>;

export interface StoredStateOptions {
  readonly storage: GrantStorage;
  readonly record: SessionRecord;
  readonly context: SessionContext;
  readonly onChange: (change: Change) => void;
}

export class StoredState {
  readonly #storage: GrantStorage;
  readonly #context: SessionContext;
  readonly #onChange: (change: Change) => void;
  readonly #record: SessionRecord;
  #state: SessionState;
  #generation: number;
  #pendingWrite: PendingWrite | null = null;
  #readProblem: AuthError | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor({ storage, record, context, onChange }: StoredStateOptions) {
    this.#storage = storage;
    this.#record = record;
    this.#context = context;
    this.#onChange = onChange;
    this.#state = storage.endedWithDaemon ? ENDED_WITH_DAEMON : SIGNED_OUT;
    this.#generation = context.generations.next();
  }

  get current(): SessionState {
    return this.#state;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Why the store cannot be read at the moment, while the session goes on from memory. */
  get readProblem(): AuthError | null {
    return this.#readProblem;
  }

  /** Applies an event that does not touch the store. */
  apply(event: SessionEvent, cause: ChangeCause): void {
    const next = transition(this.#state, event);
    if (next === this.#state) return;
    const before = identityOf(this.#state);
    const after = identityOf(next);
    this.#state = next;
    this.#generation = this.#context.generations.next();
    const isOther =
      before.accountId !== null && after.accountId !== null && before.accountId !== after.accountId;
    this.#onChange({ cause, previousAccount: isOther ? before : null });
  }

  /** Looks at the store and takes over what another process did to it. Never throws: a bad store is a warning. */
  reload(): Promise<void> {
    return this.#inTurn(() => this.#reload());
  }

  /**
   * Stores a new login in place of whatever is there, and binds the session to its network. When it cannot be stored, an
   * older login stays; without one the new tokens are kept in memory and their write is retried.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE when an older login stays
   */
  commitLogin(grant: Grant, flow: Active["flow"], network: NetworkSettings): Promise<void> {
    return this.#inTurn(async () => {
      const write = async (): Promise<SaveOutcome> => {
        await this.#storage.saveLogin(grant);
        return "stored";
      };
      const outcome = await write().catch(asStorageError);
      if (outcome instanceof AuthError && this.#state.kind === "active") throw outcome;
      this.#record.end();
      this.#record.bind({ accountId: grant.accountId, settings: network });
      await this.#grant({ grant, flow, cause: "login", write }, outcome);
    });
  }

  /**
   * Stores what came after the grant of `before`. A store that meanwhile holds something else is looked at with the new
   * tokens already in memory, so that nothing of ours is lost to it: another login is adopted, an older token put back.
   */
  commitRefresh(before: Active, grant: Grant): Promise<void> {
    return this.#inTurn(async () => {
      const write = (): Promise<SaveOutcome> =>
        this.#storage.saveRefreshed(grant, before.facts.refreshTokenFingerprint);
      const outcome = await write().catch(asStorageError);
      // The intent stays on record until what it brought is stored: a crash before that has lost it.
      if (outcome === "stored") this.#record.end();
      if (outcome === "stored" || goesOnWith(this.#state, before)) {
        await this.#grant({ grant, flow: before.flow, cause: "refresh", write }, outcome);
      }
      if (outcome === "superseded") await this.#reload();
    });
  }

  /** The issuer refused this grant for good; its refresh token is not believed again. */
  refuse(refused: Active, failure: Failure): void {
    this.#record.markSpent(refused.facts.refreshTokenFingerprint);
    this.#record.end();
    if (!goesOnWith(this.#state, refused)) return;
    this.#pendingWrite = null;
    this.apply({ kind: "refused", failure }, "refusal");
  }

  /**
   * Removes the login from the store and the memory, and answers the state that ended.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; the session is then unchanged
   */
  remove(): Promise<{ had: boolean; removed: SessionState }> {
    return this.#inTurn(async () => {
      const wasStored = await this.#storage.remove();
      const removed = this.#state;
      const had = wasStored || removed.kind !== "signedOut";
      this.#pendingWrite = null;
      this.#record.end();
      this.#record.bind(null);
      this.apply({ kind: "removed", reason: had ? "loggedOut" : "noLogin" }, "logout");
      return { had, removed };
    });
  }

  /** Tries the pending write again when its time has come. */
  async retryWrite(): Promise<void> {
    const isDue = (): boolean =>
      this.#pendingWrite !== null && isOver(this.#pendingWrite.nextAtMs, this.#context.clock.now());
    if (isDue()) await this.#inTurn(async () => (isDue() ? this.#writePending() : undefined));
  }

  /** Resolves when everything that was begun is done, after a last look; a pending write is tried a last time. */
  async settle(): Promise<void> {
    await this.reload();
    await this.#inTurn(() => this.#writePending());
    if (this.#pendingWrite) this.#context.log.fatal({ event: "storage.lost", state: "unsaved" });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #reload(): Promise<void> {
    let stored: StoredCredential;
    try {
      stored = await this.#loadSettled();
    } catch (error) {
      return this.#noteUnreadable(asStorageError(error));
    }
    this.#readProblem = null;
    await this.#adopt(stored);
  }

  async #loadSettled(): Promise<StoredCredential> {
    const stored = await this.#load();
    if (stored.kind !== "absent" || this.#state.kind === "signedOut") return stored;
    await sleep(this.#context.clock, ABSENT_PAUSE_MS);
    return this.#load();
  }

  async #load(): Promise<StoredCredential> {
    const stored = await this.#storage.load();
    return stored.kind === "managed" ? { kind: "managed", grant: underOwnAccount(stored.grant) } : stored;
  }

  async #adopt(stored: StoredCredential): Promise<void> {
    const overwritten = this.#pendingWrite?.overwritten ?? null;
    const isSpent = (fingerprint: string): boolean => this.#record.isSpent(fingerprint);
    const adoption = adoptionOf(this.#state, { stored, overwritten, isSpent });
    if (adoption === "unchanged") return;
    this.#context.log.info({ event: "storage.changed", reason: adoption });
    if (adoption === "putBack" && stored.kind === "managed") return this.#putBack(stored.grant);
    this.#pendingWrite = null;
    if (adoption === "remove") this.apply({ kind: "removed", reason: "fileGone" }, "fileGone");
    if (stored.kind === "other") {
      const { kind: _, ...other } = stored;
      this.apply({ kind: "replacedByOther", other }, "adoption");
    }
    if (stored.kind === "managed") await this.#adoptGrant(stored.grant);
  }

  async #adoptGrant(grant: Grant): Promise<void> {
    const facts = grantFacts(grant, this.#context.clock.now());
    this.apply({ kind: "granted", grant, facts, flow: null, writeFailure: null }, "adoption");
    if (this.#record.ownership === "owned") await this.#putBackFields();
  }

  /** What Codex dropped from the file is put right. Nothing depends on it, so a failure is told and no more. */
  async #putBackFields(): Promise<void> {
    const { log } = this.#context;
    try {
      if (await this.#storage.putBackFields?.()) log.info({ event: "storage.fieldsPutBack" });
    } catch (error) {
      log.warn({ event: "storage.fieldsDropped", code: asStorageError(error).code, error });
    }
  }

  /** Somebody wrote a spent refresh token: what came after it, if we know, is stored again in its place. */
  async #putBack(spent: Grant): Promise<void> {
    const { successors, clock } = this.#context;
    const knowledge = { state: this.#state, successors, record: this.#record, nowMs: clock.now() };
    const verdict = judgeSpentToken(spent, knowledge);
    if (verdict.kind === "served") {
      this.#pendingWrite = null;
      this.apply(verdict.event, "adoption");
    }
    if (verdict.kind === "succeeded") await this.#replaceSpent(spent, verdict);
  }

  async #replaceSpent(spent: Grant, { grant, flow, isHeld }: Succeeded): Promise<void> {
    const { refreshTokenFingerprint } = grantFacts(spent, this.#context.clock.now());
    const write = (): Promise<SaveOutcome> => this.#storage.saveRefreshed(grant, refreshTokenFingerprint);
    const outcome = await write().catch(asStorageError);
    if (outcome === "superseded" || (outcome === "stored" && isHeld)) return;
    await this.#grant({ grant, flow, cause: "storage", write }, outcome);
  }

  async #grant({ grant, flow, cause, write }: Granting, outcome: SaveOutcome | AuthError): Promise<void> {
    const { clock } = this.#context;
    const error = outcome instanceof AuthError ? outcome : null;
    this.#pendingWrite = error && (await this.#postponed({ write, attempts: 0, overwritten: null }, error));
    const writeFailure = error && { error, atMs: clock.now() };
    this.apply({ kind: "granted", grant, facts: grantFacts(grant, clock.now()), flow, writeFailure }, cause);
  }

  async #writePending(): Promise<void> {
    // Another process may have written since: its news comes first, and may end the pending write.
    if (this.#pendingWrite) await this.#reload();
    const pending = this.#pendingWrite;
    if (!pending) return;
    const outcome = await pending.write().catch(asStorageError);
    if (outcome instanceof AuthError) {
      this.#pendingWrite = await this.#postponed(pending, outcome);
      return;
    }
    this.#pendingWrite = null;
    this.#record.end();
    this.apply({ kind: "stored" }, "storage");
    if (outcome === "superseded") await this.#reload();
  }

  async #postponed(write: Omit<PendingWrite, "nextAtMs">, error: AuthError): Promise<PendingWrite> {
    const { clock, log, random } = this.#context;
    if (write.attempts === 0) log.error({ event: "storage.writeFailed", code: error.code, error });
    const nextAtMs = clock.now() + backOffMs(write.attempts, random());
    const overwritten = write.overwritten ?? (await this.#load().then(contentKey, () => null));
    return { ...write, attempts: write.attempts + 1, nextAtMs, overwritten };
  }

  #noteUnreadable(error: AuthError): void {
    if (this.#readProblem?.message !== error.message) {
      this.#context.log.warn({ event: "storage.unreadable", code: error.code, error });
    }
    this.#readProblem = error;
    if (this.#state.kind === "signedOut" && this.#state.failure?.error.message !== error.message) {
      this.apply({ kind: "unreadable", failure: { error, atMs: this.#context.clock.now() } }, "storage");
    }
  }
}

function asStorageError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  return new AuthError("ERR_STORAGE_UNAVAILABLE", "The store of the login failed. It is tried again.", {
    cause: error,
  });
}
