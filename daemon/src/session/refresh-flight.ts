/**
 * Refreshing one session: when it is due, when it may be tried, and the one flight that does it, detached from every
 * caller that waits. S1 one flight; S2 what it brings counts only for the grant that it began with; S4 adopt before
 * refusing. A token that was presented without a usable answer stays on record as an intent, also across restarts, and
 * that alone says when it may be presented again.
 */
import { AuthError, type EpochMs, sleep } from "@codex-authd/shared";
import type { OAuthClient } from "../oauth/oauth-client.js";
import type { RefreshReason } from "../oauth/token-request.js";
import type { Grant, GrantStorage } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import type { SessionContext } from "./context.js";
import { type ExchangeOutcome, exchange, toAuthError, withTokens } from "./exchange.js";
import { backOffMs, dueAtMs, isOver, isWithin, presentAgainAtMs } from "./refresh-timing.js";
import { issuerNotTrusted, notOurs, refreshUnanswered } from "./refusals.js";
import { networkOf, networkStatus } from "./session-network.js";
import { type Active, type Failure, goesOnWith } from "./state.js";
import type { StoredState } from "./stored-state.js";

/** Another process that spent the same token may take 5 s to commit its successor: upstream's lock patience. */
const COMMIT_LOOKS = 20;
const COMMIT_LOOK_MS = 250;

/** A `Date` is cut to whole seconds and takes its time to arrive: clocks that differ by less agree. */
const CLOCKS_AGREE_MS = 2_000;

/** Exchanges that nobody asked for are at least this far apart, whatever the clocks say. */
const PROACTIVE_INTERVAL_MS = 5_000;

export interface RefreshFlightOptions {
  readonly stored: StoredState;
  readonly storage: GrantStorage;
  readonly record: SessionRecord;
  readonly context: SessionContext;
}

export class RefreshFlight {
  readonly #stored: StoredState;
  readonly #storage: GrantStorage;
  readonly #record: SessionRecord;
  readonly #context: SessionContext;
  #flight: Promise<void> | null = null;
  #isClosed = false;
  #due: { readonly accessToken: string; readonly atMs: EpochMs } | null = null;
  #issuerOffsetMs: number | null = null;
  #lastExchangeAtMs: EpochMs | null = null;

  constructor({ stored, storage, record, context }: RefreshFlightOptions) {
    this.#stored = stored;
    this.#storage = storage;
    this.#record = record;
    this.#context = context;
  }

  get isInFlight(): boolean {
    return this.#flight !== null;
  }

  get lastExchangeAtMs(): EpochMs | null {
    return this.#lastExchangeAtMs;
  }

  /** Now by the issuer's clock once its answers told it, else by the local one: a wrong local clock expires nothing. */
  now(): EpochMs {
    return this.#context.clock.now() + (this.#issuerOffsetMs ?? 0);
  }

  /** The local clock was set, or stood still: what it told about the issuer's is worth nothing. */
  forgetIssuerClock(): void {
    this.#issuerOffsetMs = null;
  }

  /** When the token of this state will be refreshed by itself; `null` when it will not be. */
  nextRefreshAtMs(active: Active): EpochMs | null {
    if (active.isUnsaved || this.obstacle(active.grant)) return null;
    return Math.max(this.#dueAt(active), active.retryAtMs ?? 0, this.#heldBackUntilMs(active));
  }

  isDue(active: Active): boolean {
    if (!this.mayStart(active)) return false;
    // Spent by another session, on a copy of this login: what came after it costs no exchange.
    if (this.#context.successors.latest(active.grant)) return true;
    const isRecent = isWithin(PROACTIVE_INTERVAL_MS, this.#lastExchangeAtMs, this.#context.clock.now());
    return this.now() >= this.#dueAt(active) && !isRecent;
  }

  /** False while backing off, while tokens wait to be written, and where this daemon must not present the token (yet). */
  mayStart(active: Active): boolean {
    if (this.#isClosed) return false;
    const isBackingOff = !isOver(active.retryAtMs, this.#context.clock.now());
    const isHeldBack = this.now() < this.#heldBackUntilMs(active);
    return !isBackingOff && !isHeldBack && !active.isUnsaved && !this.obstacle(active.grant);
  }

  /** Why this daemon must not present this grant's refresh token at all, or `null`. */
  obstacle(grant: Grant): AuthError | null {
    if (!this.#isTrusted(grant)) return issuerNotTrusted(grant.issuer ?? this.#context.settings.issuer);
    return this.#record.ownership === "owned" ? null : notOurs(this.#record.ownership);
  }

  /** What went wrong last, also in a daemon that ended before it could say so. */
  failureOf(active: Active): Failure | null {
    const { intent } = this.#record;
    if (active.failure || this.isInFlight || intent?.refreshToken !== active.facts.refreshTokenFingerprint) {
      return active.failure;
    }
    return { error: refreshUnanswered(intent.startedAtMs), atMs: intent.startedAtMs };
  }

  /** Tries again to become the one who may rotate, for the daemon that did may have ended. */
  claim(): void {
    this.#record.claim();
  }

  /**
   * The OAuth client that may present this grant's refresh token.
   * @throws AuthError ERR_ISSUER_NOT_TRUSTED
   */
  clientFor(grant: Grant): OAuthClient {
    const { settings } = this.#context;
    if (!this.#isTrusted(grant)) throw issuerNotTrusted(grant.issuer ?? settings.issuer);
    const { originator, userAgent } = settings;
    return {
      issuer: withoutSlash(grant.issuer ?? settings.issuer),
      clientId: grant.clientId ?? settings.clientId,
      originator,
      userAgent,
    };
  }

  /** Joins the flight, or starts it. Resolves when the session's state says how it ended; never rejects. */
  join(reason: RefreshReason): Promise<void> {
    this.#flight ??= this.#fly(reason).finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  async settle(): Promise<void> {
    await this.#flight;
  }

  /** Waits for the flight under way, and starts no other: by then another daemon may be the owner. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flight;
  }

  async #fly(reason: RefreshReason): Promise<void> {
    const before = this.#stored.current;
    if (before.kind !== "active") return;
    try {
      await this.#refresh(before, reason);
    } catch (error) {
      this.#context.log.error({ event: "refresh.notStarted", error });
      this.#defer(before, toAuthError(error));
    }
  }

  async #refresh(before: Active, reason: RefreshReason): Promise<void> {
    await this.#stored.reload();
    if (!this.#isCurrent(before)) return;
    const successor = this.#context.successors.latest(before.grant);
    if (successor) return this.#stored.commitRefresh(before, successor);
    await this.#storage.checkWritable();
    if (!this.#isCurrent(before)) return;
    this.#record.begin(before.facts.refreshTokenFingerprint, this.#context.clock.now());
    await this.#settleOutcome(before, await this.#exchange(before, reason));
  }

  #exchange(before: Active, reason: RefreshReason): Promise<ExchangeOutcome> {
    const { flights, clock, log, metrics } = this.#context;
    this.#lastExchangeAtMs = clock.now();
    const client = this.clientFor(before.grant);
    const network = networkOf(before.grant, { record: this.#record, context: this.#context });
    const { caCertificateFile, proxy } = networkStatus(network, client.issuer);
    log.info({ event: "refresh.started", reason, caCertificateFile, proxy });
    const http = this.#context.http.through(network);
    return flights.join(before.facts.refreshTokenFingerprint, async () => {
      const ended = metrics.exchangeBegan();
      const outcome = await exchange(before.grant, { http, client, reason, now: () => clock.now() });
      ended(outcome.kind);
      return outcome;
    });
  }

  async #settleOutcome(before: Active, outcome: ExchangeOutcome): Promise<void> {
    const { clock, log } = this.#context;
    if (outcome.kind === "refreshed") {
      if (outcome.issuerDateMs !== undefined) this.#noteIssuerClock(outcome.issuerDateMs - clock.now());
      await this.#commit(before, outcome.tokens);
      log.info({ event: "refresh.succeeded" });
      return;
    }
    const { error } = outcome;
    const { code, oauthError } = error;
    log.warn({ event: "refresh.failed", reason: outcome.kind, code, oauthError, error });
    if (outcome.kind === "refused") return this.#refuse(before, error);
    if (outcome.kind === "transient") this.#record.end();
    this.#defer(before, error);
  }

  #noteIssuerClock(offsetMs: number): void {
    this.#issuerOffsetMs = Math.abs(offsetMs) < CLOCKS_AGREE_MS ? 0 : offsetMs;
  }

  async #commit(before: Active, tokens: (ExchangeOutcome & { kind: "refreshed" })["tokens"]): Promise<void> {
    const spent = before.facts.refreshTokenFingerprint;
    const grant = withTokens(before.grant, tokens);
    if (grant.refreshToken.reveal() !== before.grant.refreshToken.reveal()) {
      this.#context.successors.add(spent, tokens);
      this.#record.markSpent(spent);
    }
    await this.#stored.commitRefresh(before, grant);
  }

  /** S4: the store is read again, for as long as another process may be committing, before the session is given up. */
  async #refuse(before: Active, error: AuthError): Promise<void> {
    const { clock } = this.#context;
    for (let look = 0; look <= COMMIT_LOOKS; look += 1) {
      await this.#stored.reload();
      const isReplaced = !goesOnWith(this.#stored.current, before);
      if (isReplaced || error.oauthError !== "refresh_token_reused" || look === COMMIT_LOOKS) break;
      await sleep(clock, COMMIT_LOOK_MS);
    }
    this.#stored.refuse(before, { error: this.#trueReason(error), atMs: clock.now() });
  }

  /** A token that was presented before without an answer was probably spent then, and not by somebody else. */
  #trueReason(error: AuthError): AuthError {
    const { intent } = this.#record;
    if (!intent || intent.tries < 2) return error;
    const words = `An earlier refresh got no answer, and has probably spent the token. ${error.message}`;
    const { oauthError } = error;
    return new AuthError(error.code, words, {
      cause: error,
      ...(oauthError === undefined ? {} : { oauthError }),
    });
  }

  #defer(before: Active, error: AuthError): void {
    if (!goesOnWith(this.#stored.current, before)) return;
    const { clock, random } = this.#context;
    const retryAtMs = clock.now() + backOffMs(before.failures, random(), error.retryAfterMs);
    this.#stored.apply({ kind: "deferred", failure: { error, atMs: clock.now() }, retryAtMs }, "deferral");
  }

  /** Only exactly what was looked at is presented, where it was to be sent. */
  #isCurrent(before: Active): boolean {
    const { current } = this.#stored;
    return current.kind === "active" && current.grant === before.grant && !current.isUnsaved;
  }

  /** Until when a token that may be spent already is not presented again; 0 for any other. */
  #heldBackUntilMs(active: Active): EpochMs {
    const { intent } = this.#record;
    if (this.isInFlight || intent?.refreshToken !== active.facts.refreshTokenFingerprint) return 0;
    return presentAgainAtMs(active.facts, intent.tries, this.#storage.kind !== "memory");
  }

  #dueAt(active: Active): EpochMs {
    const { accessTokenFingerprint } = active.facts;
    if (this.#due?.accessToken !== accessTokenFingerprint) {
      this.#due = {
        accessToken: accessTokenFingerprint,
        atMs: dueAtMs(active.facts, this.#context.random()),
      };
    }
    return this.#due.atMs;
  }

  #isTrusted(grant: Grant): boolean {
    const { issuer, trustedIssuers } = this.#context.settings;
    return grant.issuer === null || [issuer, ...trustedIssuers].includes(withoutSlash(grant.issuer));
  }
}

/** Upstream keeps a trailing slash of the issuer as it was given (codex-cli 0.169); it names the same issuer. */
function withoutSlash(issuer: string): string {
  return issuer.replace(/\/+$/, "");
}
