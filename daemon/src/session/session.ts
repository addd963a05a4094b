/**
 * One ChatGPT login that the daemon owns, as its callers see it: tokens from memory, forced refreshes, logout. It composes
 * the state with its store and the flight that refreshes it; it knows no socket.
 */
import { type AuthError, type MethodResult, type SessionStatus, withDeadline } from "@codex-authd/shared";
import type { NetworkSettings } from "../net/network-settings.js";
import { revokeToken } from "../oauth/revocation.js";
import type { RefreshReason } from "../oauth/token-request.js";
import type { Grant, GrantStorage, StoredDescription } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import type { SessionContext } from "./context.js";
import { toAuthError } from "./exchange.js";
import { RefreshFlight } from "./refresh-flight.js";
import { isWithin } from "./refresh-timing.js";
import { accountMismatch, noAnswerYet, noNewerToken, refreshedTooOften, refusalOf } from "./refusals.js";
import { networkOf, networkStatus } from "./session-network.js";
import type { Active, Held, ReauthorizationRequired, SessionState } from "./state.js";
import { statusOf } from "./status.js";
import { type Change, StoredState } from "./stored-state.js";

/** How long a caller waits for a flight; the flight itself goes on (upstream waits 10 s for a token of ours). */
const WAITER_DEADLINE_MS = 8_000;

/** Forced exchanges of one session are at least this far apart: a child that gets 401s asks six times a turn. */
const FORCED_INTERVAL_MS = 10_000;

export interface TokenRequest {
  readonly minValidityMs?: number | undefined;
  /** Fingerprint of an access token that somebody refused. */
  readonly rejectedToken?: string | undefined;
  readonly accountId?: string | undefined;
}

export interface SessionOptions {
  readonly codexHome: string;
  /** Of a memory session, else `null`. */
  readonly name: string | null;
  readonly storage: GrantStorage;
  readonly record: SessionRecord;
  readonly context: SessionContext;
  readonly onChange: (session: Session, change: Change) => void;
}

export class Session {
  readonly codexHome: string;
  readonly #name: string | null;
  readonly #storage: GrantStorage;
  readonly #context: SessionContext;
  readonly #record: SessionRecord;
  readonly #stored: StoredState;
  readonly #flight: RefreshFlight;
  readonly #watch: { close(): Promise<void> };
  #waiters = 0;

  /** Reads the store and begins to watch it. */
  static async open(options: SessionOptions): Promise<Session> {
    options.storage.tidy?.();
    const session = new Session(options);
    await session.#stored.reload();
    return session;
  }

  private constructor({ codexHome, name, storage, record, context, onChange }: SessionOptions) {
    this.codexHome = codexHome;
    this.#name = name;
    this.#storage = storage;
    this.#context = context;
    this.#record = record;
    this.#stored = new StoredState({
      storage,
      record,
      context,
      onChange: (change) => onChange(this, change),
    });
    this.#flight = new RefreshFlight({ stored: this.#stored, storage, record, context });
    this.#watch = storage.watch(() => void this.#stored.reload());
  }

  get generation(): number {
    return this.#stored.generation;
  }

  get isActive(): boolean {
    return this.#stored.current.kind === "active";
  }

  /** True when the login is in memory only, as its kind of storage has it. */
  get endsWithDaemon(): boolean {
    return this.#storage.kind === "memory" && this.#stored.current.kind !== "signedOut";
  }

  /** True while something is under way, or held, that would be lost if the daemon left of its own accord. */
  get needsDaemon(): boolean {
    const { current } = this.#stored;
    const isUnsaved = current.kind === "active" && current.isUnsaved;
    return this.endsWithDaemon || isUnsaved || this.#flight.isInFlight;
  }

  /** Callers who are waiting for an exchange. */
  get waiters(): number {
    return this.#waiters;
  }

  /** What anybody may know of this session; no network, no disk. */
  status(): SessionStatus {
    return statusOf({
      codexHome: this.codexHome,
      name: this.#name,
      storage: this.#storage,
      stored: this.#stored,
      flight: this.#flight,
      network: this.#networkStatus(),
    });
  }

  /** {@link status} after a look at the store, for a person who just changed it. */
  async freshStatus(): Promise<SessionStatus> {
    await this.#stored.reload();
    return this.status();
  }

  /**
   * What the store holds, whatever of it counts; `undefined` when nothing that Codex could read is there.
   * @throws AuthError ERR_STORAGE_CORRUPT, ERR_STORAGE_UNAVAILABLE
   */
  async describeStore(): Promise<StoredDescription | undefined> {
    return this.#storage.describe?.();
  }

  /**
   * An access token, from memory when it will do; else the one flight is joined. A token that is still valid is served to
   * its last second, whatever becomes of the refresh token. Never starts a login.
   * @throws AuthError as the table says for `token/get`
   */
  async getToken(request: TokenRequest): Promise<MethodResult<"token/get">> {
    const held = await this.#heldNow(request.accountId);
    if (this.#satisfies(held, request)) return this.#answer(held);
    let isLate = await this.#awaitNewer(held, request);
    let now = this.#heldFor(request.accountId);
    if (now.grant !== held.grant && !this.#isUsable(now, request)) {
      // Another process has put a login there that will not do either.
      isLate = await this.#awaitNewer(now, request);
      now = this.#heldFor(request.accountId);
    }
    if (this.#satisfies(now, request) || this.#isUsable(now, request)) return this.#answer(now);
    throw this.#whyNot(now, isLate);
  }

  /**
   * Presents the refresh token now, unless a newer access token than the rejected one is there already.
   * @throws AuthError as the table says for `session/refresh`
   */
  async refresh(rejectedToken?: string): Promise<SessionStatus> {
    const before = await this.#heldNow();
    const { accessTokenFingerprint } = before.facts;
    if (rejectedToken && rejectedToken !== accessTokenFingerprint) return this.status();
    if (before.kind !== "active") throw before.failure.error;
    this.#assertForcible(before);
    const isLate = await this.#awaitRefresh(before, rejectedToken ? "unauthorized_recovery" : "forced");
    const now = this.#heldFor();
    if (now.facts.accessTokenFingerprint !== accessTokenFingerprint) return this.status();
    throw this.#whyNot(now, isLate);
  }

  /**
   * Stores a new login in place of the old one, bound to the network that it was made through.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; the old login then stays
   */
  async acceptLogin(
    grant: Grant,
    flow: "browser" | "device",
    network: NetworkSettings,
  ): Promise<SessionStatus> {
    await this.#stored.commitLogin(grant, flow, network);
    const status = this.status();
    const { caCertificateFile, proxy } = status.network;
    this.#context.log.info({ event: "network.bound", codexHome: this.codexHome, caCertificateFile, proxy });
    return status;
  }

  /**
   * @throws AuthError ERR_STORAGE_UNAVAILABLE when a login could not be stored here
   */
  checkWritable(): Promise<void> {
    return this.#storage.checkWritable();
  }

  /**
   * Forgets the login, here only by default; `revoke` also ends it at the issuer, for every machine that shares it.
   * @throws AuthError ERR_STORAGE_UNAVAILABLE; the session is then unchanged
   */
  async logout(revoke: boolean): Promise<MethodResult<"session/logout">> {
    // What is revoked is the newest token: an exchange in flight is waited for.
    if (revoke) await this.#waitFor(this.#flight.settle());
    const network = this.#network();
    const { had: loggedOut, removed } = await this.#stored.remove();
    if (!revoke) return { loggedOut, revoked: false, revocationError: null };
    const revocationError = await this.#revoke(removed, network);
    return { loggedOut, revoked: revocationError === null, revocationError };
  }

  /** Why it was not revoked, or `null`. `network` is what the session was bound to while it had the login. */
  async #revoke(removed: SessionState, network: NetworkSettings): Promise<string | null> {
    if (removed.kind === "signedOut") return "There was no ChatGPT login to revoke.";
    try {
      const client = this.#flight.clientFor(removed.grant);
      const token = removed.grant.refreshToken;
      const http = this.#context.http.through(network);
      await revokeToken(http, client, { token, tokenTypeHint: "refresh_token" });
      return null;
    } catch (error) {
      return toAuthError(error).message;
    }
  }

  /** Looked at every second: refreshes when due, writes what waits to be written. */
  tick(): void {
    const { current } = this.#stored;
    if (current.kind !== "active") return;
    this.#flight.claim();
    void this.#stored.retryWrite();
    if (!this.#flight.isInFlight && this.#flight.isDue(current))
      void this.#flight.join(proactiveReason(current));
  }

  /** The local clock was set, or stood still. */
  clockJumped(): void {
    this.#flight.forgetIssuerClock();
  }

  /** Waits for what was begun, and stops watching. */
  async close(): Promise<void> {
    await this.#flight.close();
    await this.#watch.close();
    await this.#stored.settle();
    this.#record.close();
  }

  #network(): NetworkSettings {
    const { current } = this.#stored;
    const grant = current.kind === "signedOut" ? undefined : current.grant;
    return networkOf(grant, { record: this.#record, context: this.#context });
  }

  #networkStatus(): SessionStatus["network"] {
    const { current } = this.#stored;
    const issuer = current.kind === "signedOut" ? null : current.grant.issuer;
    return networkStatus(this.#network(), issuer ?? this.#context.settings.issuer);
  }

  /** Looks at the store before anybody is sent away: a login that was made a moment ago may not have been noticed yet. */
  async #heldNow(accountId?: string): Promise<Active | ReauthorizationRequired> {
    if (!this.isActive) await this.#stored.reload();
    return this.#heldFor(accountId);
  }

  #heldFor(accountId?: string): Active | ReauthorizationRequired {
    const { current } = this.#stored;
    if (current.kind === "signedOut")
      throw refusalOf(current, { codexHome: this.codexHome, name: this.#name });
    if (accountId !== undefined && accountId !== current.grant.accountId) throw accountMismatch();
    return current;
  }

  /** Nobody can ask for more than half a lifetime: such a token would be exchanged at every call. */
  #satisfies(held: Held, request: TokenRequest): boolean {
    const { expiresAtMs, issuedAtMs } = held.facts;
    const halfLifetimeMs = ((expiresAtMs ?? Number.POSITIVE_INFINITY) - issuedAtMs) / 2;
    const neededMs = Math.min(request.minValidityMs ?? 0, halfLifetimeMs);
    return !this.#isRejected(held, request) && this.#leftMs(held) > neededMs;
  }

  /** Not what was asked for, but still good. */
  #isUsable(held: Held, request: TokenRequest): boolean {
    return !this.#isRejected(held, request) && this.#leftMs(held) > 0;
  }

  #isRejected({ facts }: Held, request: TokenRequest): boolean {
    return request.rejectedToken === facts.accessTokenFingerprint;
  }

  #leftMs({ facts }: Held): number {
    return (facts.expiresAtMs ?? Number.POSITIVE_INFINITY) - this.#flight.now();
  }

  #answer({ grant, facts }: Held): MethodResult<"token/get"> {
    return {
      accessToken: grant.accessToken.reveal(),
      expiresAtMs: facts.expiresAtMs,
      accountId: grant.accountId,
      planType: facts.planType,
      generation: this.#stored.generation,
    };
  }

  async #awaitNewer(held: Active | ReauthorizationRequired, request: TokenRequest): Promise<boolean> {
    if (held.kind !== "active") return false;
    if (!this.#isRejected(held, request)) return this.#awaitRefresh(held, proactiveReason(held));
    this.#assertForcible(held);
    return this.#awaitRefresh(held, "unauthorized_recovery");
  }

  /** Joining a flight that is under way is always allowed; starting one is not. */
  #assertForcible(active: Active): void {
    const obstacle = this.#flight.obstacle(active.grant);
    if (obstacle) throw obstacle;
    const now = this.#context.clock.now();
    const { isInFlight, lastExchangeAtMs } = this.#flight;
    if (isInFlight || active.failure || !isWithin(FORCED_INTERVAL_MS, lastExchangeAtMs, now)) return;
    throw refreshedTooOften(now, (lastExchangeAtMs ?? now) + FORCED_INTERVAL_MS);
  }

  /** True when the flight was still under way at the waiter's deadline. */
  async #awaitRefresh(active: Active, reason: RefreshReason): Promise<boolean> {
    if (!this.#flight.isInFlight && !this.#flight.mayStart(active)) return false;
    return this.#waitFor(this.#flight.join(reason));
  }

  #waitFor(flight: Promise<void>): Promise<boolean> {
    const late = { afterMs: WAITER_DEADLINE_MS, error: () => new Error("late") };
    this.#waiters += 1;
    return withDeadline(this.#context.clock, flight, late)
      .then(
        () => false,
        () => true,
      )
      .finally(() => {
        this.#waiters -= 1;
      });
  }

  #whyNot(held: Active | ReauthorizationRequired, isLate: boolean): AuthError {
    if (held.kind !== "active") return held.failure.error;
    if (isLate) return noAnswerYet(WAITER_DEADLINE_MS);
    return this.#flight.obstacle(held.grant) ?? this.#flight.failureOf(held)?.error ?? noNewerToken();
  }
}

/** Upstream's names for a refresh that nobody asked for. */
function proactiveReason(active: Active): "proactive_expiry" | "scheduled" {
  return active.facts.expiresAtMs === null ? "scheduled" : "proactive_expiry";
}
