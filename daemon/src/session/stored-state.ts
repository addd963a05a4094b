/**
 * A session's state and its store, kept in step. Everything that reads or writes the store runs here, one thing at a
 * time. Every change: new generation → stored → published. S3: tokens that cannot be stored are kept, and their *write*
 * is retried; S4, S5: what another process wrote is adopted, and the file wins.
 */
import { AuthError, type EpochMs, sleep } from "@codex-authd/shared";
import type { Grant, GrantStorage, SaveOutcome, StoredCredential } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import { adoptionOf } from "./adoption.js";
import type { SessionContext } from "./context.js";
import { grantFacts } from "./grant-facts.js";
import { backOffMs } from "./refresh-timing.js";
import {
  type Active,
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

interface PendingWrite {
  readonly write: () => Promise<SaveOutcome>;
  readonly attempts: number;
  readonly nextAtMs: EpochMs;
}

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
  #state: SessionState = SIGNED_OUT;
  #generation: number;
  #pendingWrite: PendingWrite | null = null;
  #readProblem: AuthError | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor({ storage, record, context, onChange }: StoredStateOptions) {
    this.#storage = storage;
    this.#record = record;
    this.#context = context;
    this.#onChange = onChange;
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
   * Stores a new login in place of whatever is there. When it cannot be stored, an older login stays; without one the new
   * tokens are kept in memory and their write is retried.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE when an older login stays
   */
  commitLogin(grant: Grant, flow: Active["flow"]): Promise<void> {
    return this.#inTurn(async () => {
      const write = async (): Promise<SaveOutcome> => {
        await this.#storage.saveLogin(grant);
        return "stored";
      };
      const failure = await this.#tryToWrite(write);
      if (failure && this.#state.kind === "active") throw failure;
      this.#grant(grant, { flow, cause: "login" });
      if (failure) this.#keepInMemory(write, failure);
    });
  }

  /** Stores rotated tokens; when the store meanwhile holds something else, that is adopted instead. */
  commitRefresh(grant: Grant, before: Active): Promise<void> {
    return this.#inTurn(async () => {
      const spent = before.facts.refreshTokenFingerprint;
      const write = (): Promise<SaveOutcome> => this.#storage.saveRefreshed(grant, spent);
      const outcome = await write().catch(asStorageError);
      const isRotated = grant.refreshToken.reveal() !== before.grant.refreshToken.reveal();
      if (isRotated) this.#record.markSpent(spent);
      // The intent stays on record until what it brought is stored: a crash before that has lost it.
      if (!(outcome instanceof AuthError)) this.#record.end();
      if (outcome === "superseded") return this.#reload();
      this.#grant(grant, { flow: before.flow, cause: "refresh" });
      if (outcome !== "stored") this.#keepInMemory(write, outcome);
    });
  }

  /** The issuer refused this grant for good; its refresh token is not believed again. */
  refuse(refused: Active, failure: { error: AuthError; atMs: EpochMs }): void {
    this.#record.markSpent(refused.facts.refreshTokenFingerprint);
    this.#record.end();
    this.apply({ kind: "refused", failure }, "refusal");
  }

  /**
   * Removes the login from the store and the memory. True when there was one.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; the session is then unchanged
   */
  remove(): Promise<boolean> {
    return this.#inTurn(async () => {
      const wasStored = await this.#storage.remove();
      const had = wasStored || this.#state.kind !== "signedOut";
      this.#pendingWrite = null;
      this.apply({ kind: "removed", reason: had ? "loggedOut" : "noLogin" }, "logout");
      return had;
    });
  }

  /** Tries the pending write again when its time has come. */
  retryWrite(): Promise<void> {
    const pending = this.#pendingWrite;
    if (!pending || this.#context.clock.now() < pending.nextAtMs) return Promise.resolve();
    return this.#inTurn(async () => {
      if (this.#pendingWrite !== pending) return;
      const outcome = await pending.write().catch(asStorageError);
      if (outcome instanceof AuthError) return this.#postpone(pending, outcome);
      this.#record.end();
      this.#pendingWrite = null;
      this.apply({ kind: "stored" }, "storage");
      if (outcome === "superseded") await this.#reload();
    });
  }

  /** Resolves when everything that was begun is done. */
  async settle(): Promise<void> {
    await this.#queue.catch(() => {});
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #reload(): Promise<void> {
    try {
      let stored = await this.#storage.load();
      if (stored.kind === "absent" && this.#state.kind !== "signedOut") {
        await sleep(this.#context.clock, ABSENT_PAUSE_MS);
        stored = await this.#storage.load();
      }
      this.#readProblem = null;
      await this.#adopt(stored);
    } catch (error) {
      this.#noteUnreadable(asStorageError(error));
    }
  }

  async #adopt(stored: StoredCredential): Promise<void> {
    const adoption = adoptionOf(this.#state, stored, (fingerprint) => this.#record.isSpent(fingerprint));
    if (adoption === "unchanged") return;
    this.#context.log.info({ event: "storage.changed", reason: adoption });
    if (adoption === "putBack") return this.#putBack(stored);
    this.#pendingWrite = null;
    if (adoption === "remove") this.apply({ kind: "removed", reason: "fileGone" }, "fileGone");
    if (stored.kind === "other") this.apply({ ...stored, kind: "replacedByOther" }, "adoption");
    if (stored.kind === "managed") this.#grant(stored.grant, { flow: null, cause: "adoption" });
  }

  /** Somebody wrote a spent refresh token back: ours, which came after it, is stored again. */
  async #putBack(stored: StoredCredential): Promise<void> {
    if (this.#state.kind !== "active" || stored.kind !== "managed" || this.#state.isUnsaved) return;
    const { grant } = this.#state;
    const { refreshTokenFingerprint } = grantFacts(stored.grant, this.#context.clock.now());
    const write = (): Promise<SaveOutcome> => this.#storage.saveRefreshed(grant, refreshTokenFingerprint);
    const failure = await this.#tryToWrite(write);
    if (failure) this.#keepInMemory(write, failure);
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

  #grant(grant: Grant, { flow, cause }: { flow: Active["flow"]; cause: ChangeCause }): void {
    this.#pendingWrite = null;
    this.#readProblem = null;
    const facts = grantFacts(grant, this.#context.clock.now());
    this.apply({ kind: "granted", grant, facts, flow, isUnsaved: false }, cause);
  }

  async #tryToWrite(write: () => Promise<SaveOutcome>): Promise<AuthError | undefined> {
    const outcome = await write().catch(asStorageError);
    return outcome instanceof AuthError ? outcome : undefined;
  }

  #keepInMemory(write: () => Promise<SaveOutcome>, error: AuthError): void {
    this.#context.log.error({ event: "storage.write_failed", code: error.code, error });
    this.#postpone({ write, attempts: 0, nextAtMs: 0 }, error);
  }

  #postpone({ write, attempts }: PendingWrite, error: AuthError): void {
    const { clock, random } = this.#context;
    const nextAtMs = clock.now() + backOffMs(attempts, random());
    this.#pendingWrite = { write, attempts: attempts + 1, nextAtMs };
    if (this.#state.kind === "active" && this.#state.isUnsaved) return;
    this.apply({ kind: "unsaved", failure: { error, atMs: clock.now() } }, "storage");
  }
}

function asStorageError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  return new AuthError("ERR_STORAGE_UNAVAILABLE", "The login could not be stored. It is tried again.", {
    cause: error,
  });
}
