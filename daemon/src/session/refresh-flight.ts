/**
 * Refreshing one session: when it is due, when it may be tried, and the one flight that does it, detached from every
 * caller that waits. S1 one flight, S2 older generations are dropped, S4 adopt before refusing.
 */
import { type AuthError, type EpochMs, sleep } from "@codex-authd/shared";
import type { OAuthClient } from "../oauth/oauth-client.js";
import type { RefreshReason } from "../oauth/token-request.js";
import type { Grant, GrantStorage } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import type { SessionContext } from "./context.js";
import { type ExchangeOutcome, exchange, toAuthError } from "./exchange.js";
import { backOffMs, dueAtMs, UPSTREAM_LEAD_MS } from "./refresh-timing.js";
import { issuerNotTrusted, notOurs, refreshWasCutOff } from "./refusals.js";
import type { Active } from "./state.js";
import type { StoredState } from "./stored-state.js";

/** How long another process that spent the same token may take to commit its successor: upstream's lock patience. */
const COMMIT_PATIENCE_MS = 5_000;

const COMMIT_LOOK_MS = 250;

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
  #due: { readonly accessToken: string; readonly atMs: EpochMs } | null = null;
  #issuerOffsetMs = 0;
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

  /** Now by the issuer's clock, as far as its answers told it: a wrong local clock expires nothing. */
  issuerNow(): EpochMs {
    return this.#context.clock.now() + this.#issuerOffsetMs;
  }

  /** When the token of this state will be refreshed by itself; `null` when it will not be. */
  nextRefreshAtMs(active: Active): EpochMs | null {
    if (this.obstacle(active.grant)) return null;
    return Math.max(this.#dueAt(active), active.retryAtMs ?? 0);
  }

  /** True when it is time by either clock, the local one or the issuer's. */
  isDue(active: Active): boolean {
    const now = Math.max(this.#context.clock.now(), this.issuerNow());
    return now >= this.#dueAt(active) && this.mayStart(active);
  }

  /** False while backing off, while tokens wait to be written, and where this daemon must not rotate. */
  mayStart(active: Active): boolean {
    const isBackingOff = active.retryAtMs !== null && this.#context.clock.now() < active.retryAtMs;
    return !isBackingOff && !active.isUnsaved && !this.obstacle(active.grant);
  }

  /** Why this daemon must not present this grant's refresh token at all, or `null`. */
  obstacle(grant: Grant): AuthError | null {
    if (!this.#isTrusted(grant)) return issuerNotTrusted(grant.issuer ?? this.#context.settings.issuer);
    return this.#record.ownership === "owned" ? null : notOurs(this.#record.ownership);
  }

  /** Tries again to become the one who may rotate, for the daemon that did may have ended. */
  claim(): void {
    this.#record.claim();
  }

  /**
   * A refresh that was begun before a restart, and of whose end nothing is known, is taken as ambiguous: its token may be
   * spent, so it is presented once, and not before Codex itself would.
   */
  resume(): void {
    const active = this.#stored.current;
    const { intent } = this.#record;
    if (active.kind !== "active" || intent?.refreshToken !== active.facts.refreshTokenFingerprint) return;
    this.#defer(active, refreshWasCutOff(intent.startedAtMs), true);
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

  async #fly(reason: RefreshReason): Promise<void> {
    try {
      await this.#refresh(reason);
    } catch (error) {
      const active = this.#stored.current;
      if (active.kind === "active") this.#defer(active, toAuthError(error));
    }
  }

  async #refresh(reason: RefreshReason): Promise<void> {
    const before = this.#stored.current;
    await this.#stored.reload();
    const active = this.#stored.current;
    if (
      active.kind !== "active" ||
      before.kind !== "active" ||
      active.grant !== before.grant ||
      active.isUnsaved
    )
      return;
    await this.#storage.checkWritable();
    this.#record.begin(active.facts.refreshTokenFingerprint, this.#context.clock.now());
    const generation = this.#stored.generation;
    const outcome = await this.#exchange(active, reason);
    if (generation !== this.#stored.generation) {
      this.#record.end();
      this.#context.log.warn({ event: "refresh.dropped", reason: outcome.kind });
      return;
    }
    await this.#settleOutcome(active, outcome);
  }

  #exchange(active: Active, reason: RefreshReason): Promise<ExchangeOutcome> {
    const { flights, http, clock, log } = this.#context;
    this.#lastExchangeAtMs = clock.now();
    log.info({ event: "refresh.started", reason });
    const client = this.clientFor(active.grant);
    return flights.join(active.facts.refreshTokenFingerprint, () =>
      exchange(active.grant, { http, client, reason, now: () => clock.now() }),
    );
  }

  async #settleOutcome(active: Active, outcome: ExchangeOutcome): Promise<void> {
    const { clock, log } = this.#context;
    if (outcome.kind === "refreshed") {
      if (outcome.issuerDateMs !== undefined) this.#issuerOffsetMs = outcome.issuerDateMs - clock.now();
      await this.#stored.commitRefresh(outcome.grant, active);
      log.info({ event: "refresh.succeeded" });
      return;
    }
    const { error } = outcome;
    log.warn({
      event: "refresh.failed",
      reason: outcome.kind,
      code: error.code,
      oauthError: error.oauthError,
      error,
    });
    if (outcome.kind === "refused") return this.#refuse(active, error);
    if (outcome.kind === "transient") this.#record.end();
    this.#defer(active, error, outcome.kind === "ambiguous");
  }

  /** S4: the store is read again, for as long as another process may be committing, before the session is given up. */
  async #refuse(active: Active, error: AuthError): Promise<void> {
    const { clock } = this.#context;
    const patienceMs = error.oauthError === "refresh_token_reused" ? COMMIT_PATIENCE_MS : 0;
    const untilMs = clock.now() + patienceMs;
    for (;;) {
      await this.#stored.reload();
      const now = this.#stored.current;
      if (now.kind !== "active" || now.grant !== active.grant) return;
      if (clock.now() >= untilMs) break;
      await sleep(clock, COMMIT_LOOK_MS);
    }
    this.#stored.refuse(active, { error, atMs: clock.now() });
  }

  /** An ambiguous token may be spent: it is not presented again before Codex itself would present it. */
  #defer(active: Active, error: AuthError, isAmbiguous = false): void {
    const { clock, random } = this.#context;
    const waitMs = backOffMs(active.failures, random(), error.retryAfterMs);
    const retryAtMs = clock.now() + waitMs;
    // In memory no Codex would ever present it, so it waits until there is nothing left to lose.
    const leadMs = this.#storage.kind === "memory" ? 0 : UPSTREAM_LEAD_MS;
    const lastMomentAtMs = isAmbiguous ? (active.facts.expiresAtMs ?? 0) - leadMs : 0;
    const failure = { error, atMs: clock.now() };
    this.#stored.apply(
      { kind: "deferred", failure, retryAtMs: Math.max(retryAtMs, lastMomentAtMs) },
      "deferral",
    );
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
