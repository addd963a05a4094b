import { inspect } from "node:util";
import { fingerprint, type MethodResult, type SessionStatus } from "@codex-authd/shared";
import { readJwtClaims } from "#daemon/oauth/jwt-claims.js";
import { presentAgainAtMs } from "#daemon/session/refresh-timing.js";
import type { Change } from "#daemon/session/stored-state.js";
import type { Grant } from "#daemon/storage/grant-storage.js";
import type { LoginWorld } from "./login-world.js";
import { type MemoryFamily, REFRESH_TOKEN_MARK } from "./memory-issuer.js";

/** The issuer's Date header has whole seconds. */
const DATE_PRECISION_MS = 1_000;

/** This long after a foreign write was announced, the daemon has done what follows from it. */
const SETTLED_AFTER_MS = 1_400;

/** What must hold after every step, whatever happened. Throws as soon as something does not. */
export class LoginInvariants {
  /** S3: whose newest refresh token must not be lost, as long as its family lives. */
  #kept: MemoryFamily | null = null;
  /** How many presentations of a token may be forgotten, since a login, a logout or another token ended that story. */
  readonly #forgotten = new Map<string, number>();
  readonly #world: LoginWorld;
  #broken: string | null = null;
  #generation = 0;
  #seen = "";
  #settledAtMs = 0;

  constructor(world: LoginWorld) {
    this.#world = world;
  }

  /** S1: one at a time, and twice only when it is certain that the first time spent nothing, or when its time has come. */
  onPresent(refreshToken: string): void {
    const { presentations } = this.#world.issuer;
    const earlier = presentations.filter((presentation) => presentation.refreshToken === refreshToken);
    for (const { outcome } of earlier) {
      this.#assert(outcome !== "open", "S1: two exchanges of one token at once");
      this.#assert(
        !["rotated", "otherAccount", "reused", "refused"].includes(outcome),
        `S1: presented after ${outcome}`,
      );
    }
    const remembered = earlier.slice(this.#forgotten.get(refreshToken) ?? 0);
    const unanswered =
      remembered.length - 1 - remembered.findLastIndex(({ outcome }) => !isUnanswered(outcome));
    if (unanswered > 0) this.#assertTimeHasCome(refreshToken, unanswered);
    // The intent names one token: whoever presents another one forgets the one before.
    this.#forgetAmbiguity(refreshToken);
  }

  #assertTimeHasCome(refreshToken: string, tries: number): void {
    const { issuer, clock } = this.#world;
    const ends = [...issuer.grants.values()]
      .filter((grant) => grant.refreshToken.reveal() === refreshToken)
      .map((grant) => readJwtClaims(grant.accessToken.reveal())?.expAtMs ?? 0);
    const times = { issuedAtMs: 0, expiresAtMs: Math.min(...ends) };
    const nowMs = Math.max(clock.now(), this.#world.issuerNow() + DATE_PRECISION_MS);
    this.#assert(
      nowMs >= presentAgainAtMs(times, tries, true),
      `S1: presented again too early (${tries} unanswered)`,
    );
  }

  /** Another process wrote to the file, or will have to be believed for another reason. */
  onForeignWrite(isRestored: boolean): void {
    this.#unsettle();
    const { file } = this.#world;
    if (file.content.kind === "torn") {
      // What nobody has read by then is lost by whoever tore it.
      if (this.#heldToken(this.#world.session.status()) !== this.#newest()) this.#kept = null;
      return;
    }
    if (file.content.kind !== "managed") this.#kept = null;
    else this.#kept = this.#familyToKeep(file.content.grant, isRestored);
  }

  /** Whose newest token the daemon can be expected to keep, now that another process wrote this. */
  #familyToKeep({ refreshToken, accountId }: Grant, isRestored: boolean): MemoryFamily | null {
    const { issuer, life, record, session } = this.#world;
    const written = refreshToken.reveal();
    const family = issuer.familyOf(written) ?? null;
    const status = session.status();
    // Content that comes back while a write waits to replace it cannot be told from content that never went.
    if (issuer.isLiving(written)) return isRestored && status.storageState === "pending" ? null : family;
    if (!record.isSpent(fingerprint(written))) return null;
    if (status.state === "active" && status.accountId === accountId)
      return this.#heldToken(status) === this.#newest() ? this.#kept : null;
    let newest = written;
    for (let next = life.successors.get(newest); next !== undefined; next = life.successors.get(next))
      newest = next;
    return newest === family?.refreshTokens.at(-1) ? family : null;
  }

  onLogin(refreshToken: string): void {
    this.#forgetAmbiguity();
    this.#kept = this.#world.issuer.familyOf(refreshToken) ?? null;
    this.#unsettle();
  }

  onLogout(): void {
    this.#forgetAmbiguity();
    this.#kept = null;
  }

  /** A refusal that was heard and not yet acted on is forgotten with the life that heard it. */
  onCrash(): void {
    const status = this.#world.session.status();
    if (status.state !== "active") return;
    for (const presentation of this.#world.issuer.presentations) {
      const isRefusal = presentation.outcome === "refused" || presentation.outcome === "reused";
      if (isRefusal && presentation.refreshToken === this.#heldToken(status)) presentation.outcome = "lost";
    }
  }

  /** A life has ended: what was not in the file by then is lost, and must only be so where it could not be written. */
  onEnd(isOrderly: boolean): void {
    const { file } = this.#world;
    const isWritable = !file.isFull && !file.isLocked && file.content.kind !== "torn";
    const isStored = this.#newest() === undefined || this.#newest() === this.#storedToken();
    if (isOrderly && isWritable) this.#assert(isStored, "S3: the newest token is lost at the end");
    if (!isStored) this.#kept = null;
    this.#unsettle();
  }

  /** S2: every event has a generation above all before it. S6: and no refresh token. */
  onChange(status: SessionStatus, change: Change): void {
    this.#assert(status.generation > this.#generation, "S2: an event does not grow");
    this.#see(status);
    this.assertNoSecret("event", change);
  }

  /** S5: who asked for one account gets a token of that account, and is told whose it is. */
  onToken({ accessToken, accountId }: MethodResult<"token/get">, asked: string | undefined): void {
    this.#assert(
      asked === undefined || accountId === asked,
      "S5: the token of another account than the one named",
    );
    this.#assert(
      readJwtClaims(accessToken)?.accountId === accountId,
      "S5: the token is not of the account it is said to be",
    );
  }

  onError(error: unknown): void {
    this.#assert(
      error instanceof Error && error.name === "AuthError",
      `not a refusal, but ${inspect(error)}`,
    );
    this.assertNoSecret("error", error);
  }

  assertNoSecret(where: string, value: unknown): void {
    this.#assert(
      !inspect(value, { depth: 10 }).includes(REFRESH_TOKEN_MARK),
      `S6: a refresh token in a ${where}`,
    );
  }

  /** Everything that can be seen between two steps. */
  check(): void {
    this.#assert(this.#broken === null, "");
    const status = this.#world.session.status();
    this.assertNoSecret("status", status);
    this.#assert(status.generation >= this.#generation, "S2: the generation fell");
    if (visible(status) !== this.#seen)
      this.#assert(status.generation > this.#generation, "S2: a change without a number");
    this.#see(status);
    if (status.refreshInFlight || this.#world.awakeNow() < this.#settledAtMs) return;
    this.#assertKept();
    this.#assertInStep(status);
  }

  #unsettle(): void {
    const settledAtMs = this.#world.awakeNow() + this.#world.file.announcedAfterMs + SETTLED_AFTER_MS;
    this.#settledAtMs = Math.max(this.#settledAtMs, settledAtMs);
  }

  #see(status: SessionStatus): void {
    this.#generation = status.generation;
    this.#seen = visible(status);
  }

  /** S3: the newest token of the login is in the file, or in memory with its write pending. */
  #assertKept(): void {
    const newest = this.#newest();
    if (newest === undefined || newest === this.#storedToken()) return;
    const status = this.#world.session.status();
    const isHeld = status.state === "active" && this.#heldToken(status) === newest;
    const isTorn = this.#world.file.content.kind === "torn";
    this.#assert(isHeld && (isTorn || status.storageState === "pending"), "S3: the newest token is lost");
  }

  /** S4: a login in the file that the issuer would accept is never refused; and the memory says what the file says. */
  #assertInStep(status: SessionStatus): void {
    const stored = this.#storedToken();
    if (status.storageState === "pending" || this.#world.file.content.kind === "torn") return;
    if (stored === undefined) {
      this.#assert(status.state === "signedOut", "the file is empty, the session is not");
      return;
    }
    if (this.#world.issuer.isLiving(stored) && this.#world.issuer.delivered.has(stored))
      this.#assert(status.state === "active", "S4: a living login is refused");
    if (status.state === "active") this.#assert(this.#heldToken(status) === stored, "memory and file differ");
    this.#assert(status.state !== "signedOut", "a login in the file is not shown");
  }

  /** The newest token that must not be lost; `undefined` where there is none, or nobody was told. */
  #newest(): string | undefined {
    if (this.#kept === null || this.#kept.isRevoked) return undefined;
    const newest = this.#kept.refreshTokens.at(-1);
    return newest !== undefined && this.#world.issuer.delivered.has(newest) ? newest : undefined;
  }

  #storedToken(): string | undefined {
    const { content } = this.#world.file;
    return content.kind === "managed" ? content.grant.refreshToken.reveal() : undefined;
  }

  #heldToken({ email }: SessionStatus): string | undefined {
    return this.#world.issuer.grants.get(email ?? "")?.refreshToken.reveal();
  }

  /** What is broken is remembered: the daemon may catch what is thrown here. */
  #assert(isTrue: boolean, what: string): void {
    if (isTrue) return;
    this.#broken ??= what;
    throw new Error(this.#broken);
  }

  /** From now on it may not be known that tokens, except this one, were presented without an answer. */
  #forgetAmbiguity(except?: string): void {
    const { presentations } = this.#world.issuer;
    for (const { refreshToken } of presentations) {
      if (refreshToken === except) continue;
      const count = presentations.filter((presentation) => presentation.refreshToken === refreshToken).length;
      this.#forgotten.set(refreshToken, count);
    }
  }
}

function isUnanswered(outcome: string): boolean {
  return outcome === "lost" || outcome === "unheard";
}

/** What a change of it must be announced with a new generation. */
function visible(status: SessionStatus): string {
  const { state, reason, authMode, accountId, email, planType, issuer, flow } = status;
  const { expiresAtMs, lastRefreshAtMs, storageState } = status;
  return JSON.stringify({
    state,
    reason,
    authMode,
    accountId,
    email,
    planType,
    issuer,
    flow,
    expiresAtMs,
    lastRefreshAtMs,
    storageState,
  });
}

/** How a caller names an access token that was refused. */
export function rejectedTokenOf(world: LoginWorld, email: string | null): string | undefined {
  const grant = world.issuer.grants.get(email ?? "");
  return grant && fingerprint(grant.accessToken.reveal());
}
