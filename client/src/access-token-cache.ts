/**
 * Access tokens inside this process, so that a hot loop costs nothing. Callers that ask for the same at the same time share
 * one request. The daemon stays the authority: what it has not confirmed for {@link MAX_AGE_MS} is asked again.
 */
import {
  type Clock,
  type EpochMs,
  fingerprint,
  type MethodParams,
  type MethodResult,
} from "@codex-authd/shared";

export type AccessToken = MethodResult<"token/get">;
type TokenParams = MethodParams<"token/get">;

/** How long a logout, or another account's login, may stay unseen by a hot loop. */
const MAX_AGE_MS = 30_000;

/** A token this near to its end is asked for again: the daemon may have a newer one, and answers from memory. */
const NEAR_EXPIRY_MS = 60_000;

/** Rejected tokens that are remembered: a session has few that could still arrive, each some seconds late. */
const MAX_REJECTED_TOKENS = 100;

interface Entry {
  readonly token: AccessToken;
  readonly fingerprint: string;
  readonly storedAtMs: EpochMs;
}

export class AccessTokenCache {
  readonly #clock: Clock;
  readonly #fetch: (params: TokenParams) => Promise<AccessToken>;
  readonly #entries = new Map<string, Entry>();
  readonly #flights = new Map<string, Promise<AccessToken>>();
  /** Fingerprints, oldest first. */
  readonly #rejected = new Set<string>();

  constructor(clock: Clock, fetch: (params: TokenParams) => Promise<AccessToken>) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  /** The cached token when it is fresh enough and none was rejected, else the daemon's. */
  get(params: TokenParams): Promise<AccessToken> {
    if (params.rejectedToken !== undefined) this.#reject(params.rejectedToken);
    const cached = params.rejectedToken === undefined ? this.#usable(params) : undefined;
    if (cached) return Promise.resolve(cached);
    const key = JSON.stringify(params);
    const flight = this.#flights.get(key) ?? this.#begin(key, params);
    return flight;
  }

  /** Forgets every token, also what is still being asked for. */
  clear(): void {
    this.#entries.clear();
    this.#flights.clear();
  }

  /** Nobody joins a flight that began before the rejection, for it may bring that very token. */
  #reject(rejectedToken: string): void {
    if (this.#rejected.has(rejectedToken)) return;
    this.#rejected.add(rejectedToken);
    this.#flights.clear();
    const [oldest] = this.#rejected;
    if (oldest !== undefined && this.#rejected.size > MAX_REJECTED_TOKENS) this.#rejected.delete(oldest);
  }

  #usable(params: TokenParams): AccessToken | undefined {
    const entry = this.#entries.get(entryKey(params));
    if (!entry || this.#rejected.has(entry.fingerprint)) return undefined;
    const now = this.#clock.now();
    const ageMs = now - entry.storedAtMs;
    const leftMs = (entry.token.expiresAtMs ?? Number.POSITIVE_INFINITY) - now;
    const neededMs = Math.max(params.minValidityMs ?? 0, NEAR_EXPIRY_MS);
    return ageMs >= 0 && ageMs < MAX_AGE_MS && leftMs > neededMs ? entry.token : undefined;
  }

  #begin(key: string, params: TokenParams): Promise<AccessToken> {
    const flight = this.#fetch(params).then(
      (token) => {
        if (this.#land(key, flight)) this.#keep(entryKey(params), token);
        return token;
      },
      (error: unknown) => {
        if (this.#land(key, flight)) this.#entries.delete(entryKey(params));
        throw error;
      },
    );
    this.#flights.set(key, flight);
    return flight;
  }

  /** A slow flight may bring what was rejected meanwhile, or is older than what is here: generations only grow. */
  #keep(key: string, token: AccessToken): void {
    const entry = { token, fingerprint: fingerprint(token.accessToken), storedAtMs: this.#clock.now() };
    const newest = this.#entries.get(key)?.token.generation ?? token.generation;
    if (token.generation < newest || this.#rejected.has(entry.fingerprint)) return;
    this.#entries.set(key, entry);
  }

  /** True when the flight still counts: nothing was cleared or rejected since it began. */
  #land(key: string, flight: Promise<AccessToken>): boolean {
    if (this.#flights.get(key) !== flight) return false;
    this.#flights.delete(key);
    return true;
  }
}

/** What decides *whose* token it is; how long it must last does not. */
function entryKey(params: TokenParams): string {
  return JSON.stringify([
    params.codexHome,
    params.childEnvironment,
    params.storage,
    params.sessionName,
    params.accountId,
  ]);
}
