import { type Clock, sleep } from "@codex-authd/shared";
import type { HttpClient, HttpRequest, HttpResponse } from "#daemon/net/http.js";
import { HttpFailure } from "#daemon/net/http-failure.js";
import type { Grant } from "#daemon/storage/grant-storage.js";
import { fakeGrant } from "./grants.js";

export const MEMORY_ISSUER = "http://127.0.0.1:9";

/** Every refresh token contains this, so that one can be found wherever it should not be. */
export const REFRESH_TOKEN_MARK = "rt_SECRET_";

/**
 * What becomes of a presented refresh token. `lost` and `unheard` bring no answer, with and without a rotation behind it;
 * `unsent` and `busy` are certain to have changed nothing; `kept` renews the access token only.
 */
export type Outcome =
  | "rotated"
  | "kept"
  | "otherAccount"
  | "lost"
  | "unheard"
  | "unsent"
  | "busy"
  | "refused";

export interface Step {
  readonly outcome: Outcome;
  /** The answer waits for {@link MemoryIssuer.release}. */
  readonly isHeld: boolean;
}

/** All tokens that descend from one login; the last refresh token is the living one. */
export interface MemoryFamily {
  account: string;
  readonly refreshTokens: string[];
  isRevoked: boolean;
}

export interface Presentation {
  readonly refreshToken: string;
  outcome: Outcome | "open" | "reused";
}

/** One life of the daemon, from its start to its end or its crash. */
export interface Life {
  isAlive: boolean;
  /** Which refresh token came after which, as far as this life was told. */
  readonly successors: Map<string, string>;
}

/** A strict issuer in memory: it rotates at each exchange, and a reuse revokes the family. Its clock runs evenly. */
export class MemoryIssuer {
  readonly families: MemoryFamily[] = [];
  readonly presentations: Presentation[] = [];
  /** Refresh tokens that reached somebody. */
  readonly delivered = new Set<string>();
  /** Every grant that was issued, by the e-mail address that only its tokens have. */
  readonly grants = new Map<string, Grant>();
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #onPresent: (refreshToken: string) => void;
  readonly #held: (() => void)[] = [];
  #next: Step | undefined;

  /** `now` is the issuer's own clock; `onPresent` hears of each refresh token that the daemon presents. */
  constructor(clock: Clock, now: () => number, onPresent: (refreshToken: string) => void) {
    this.#clock = clock;
    this.#now = now;
    this.#onPresent = onPresent;
  }

  /** The next request meets this. */
  script(step: Step): void {
    this.#next = step;
  }

  release(): void {
    for (const release of this.#held.splice(0)) release();
  }

  login(account: string): Grant {
    const family: MemoryFamily = { account, refreshTokens: [], isRevoked: false };
    this.families.push(family);
    const grant = this.#issue(family, this.#newRefreshToken());
    this.delivered.add(grant.refreshToken.reveal());
    return grant;
  }

  /** The exchange of a Codex process; `undefined` where it is refused. */
  exchangeElsewhere(refreshToken: string): Grant | undefined {
    const family = this.familyOf(refreshToken);
    return family && this.isLiving(refreshToken) ? this.#issue(family, this.#newRefreshToken()) : undefined;
  }

  familyOf(refreshToken: string): MemoryFamily | undefined {
    return this.families.find((family) => family.refreshTokens.includes(refreshToken));
  }

  isLiving(refreshToken: string): boolean {
    const family = this.familyOf(refreshToken);
    return family?.refreshTokens.at(-1) === refreshToken && !family.isRevoked;
  }

  /** The issuer as one life of the daemon reaches it. */
  connect(life: Life): HttpClient {
    const request = (request: HttpRequest): Promise<HttpResponse> =>
      request.url.endsWith("/oauth/revoke") ? this.#revoke(request) : this.#exchange(request, life);
    return { through: () => ({ request }), check() {}, close: async () => {} };
  }

  async #revoke({ body = "" }: HttpRequest): Promise<HttpResponse> {
    const family = this.familyOf(JSON.parse(body).token);
    if (family) family.isRevoked = true;
    return this.#answer(200, {});
  }

  async #exchange({ body = "", deadlineMs }: HttpRequest, life: Life): Promise<HttpResponse> {
    const refreshToken: string = JSON.parse(body).refresh_token;
    this.#onPresent(refreshToken);
    const presentation: Presentation = { refreshToken, outcome: "open" };
    this.presentations.push(presentation);
    const { outcome, isHeld } = this.#next ?? { outcome: "rotated", isHeld: false };
    this.#next = undefined;
    const carriedOut = this.#carryOut(refreshToken, outcome);
    const isInTime = isHeld ? await this.#hold(deadlineMs) : true;
    if (!life.isAlive) {
      presentation.outcome = "lost";
      return new Promise(() => {});
    }
    presentation.outcome = isInTime ? carriedOut.outcome : "lost";
    return this.#deliver(presentation, carriedOut.grant, life);
  }

  /** What the issuer does, whoever hears of it. */
  #carryOut(refreshToken: string, outcome: Outcome): { outcome: Presentation["outcome"]; grant?: Grant } {
    if (outcome === "unsent" || outcome === "busy" || outcome === "unheard") return { outcome };
    const family = this.familyOf(refreshToken);
    if (!family || family.refreshTokens.at(-1) !== refreshToken) {
      if (family) family.isRevoked = true;
      return { outcome: "reused" };
    }
    if (outcome === "refused") family.isRevoked = true;
    if (family.isRevoked) return { outcome: "refused" };
    if (outcome === "otherAccount") family.account = family.account === "A" ? "B" : "A";
    return {
      outcome,
      grant: this.#issue(family, outcome === "kept" ? refreshToken : this.#newRefreshToken()),
    };
  }

  #deliver({ refreshToken, outcome }: Presentation, grant: Grant | undefined, life: Life): HttpResponse {
    if (outcome === "unsent") throw new HttpFailure("The request could not be sent.", false);
    if (outcome === "lost" || outcome === "unheard")
      throw new HttpFailure("The request got no answer.", true);
    if (outcome === "busy") return this.#answer(503, {});
    if (outcome === "reused") return this.#answer(401, { error: { code: "refresh_token_reused" } });
    if (!grant) return this.#answer(401, { error: { code: "refresh_token_invalidated" } });
    const successor = grant.refreshToken.reveal();
    this.delivered.add(successor);
    if (successor !== refreshToken) life.successors.set(refreshToken, successor);
    return this.#answer(200, {
      id_token: grant.idToken.reveal(),
      access_token: grant.accessToken.reveal(),
      ...(successor === refreshToken ? {} : { refresh_token: successor }),
    });
  }

  /** False when nobody released it before the deadline. */
  #hold(deadlineMs: number): Promise<boolean> {
    const released = new Promise<boolean>((resolve) => this.#held.push(() => resolve(true)));
    return Promise.race([released, sleep(this.#clock, deadlineMs).then(() => false)]);
  }

  #newRefreshToken(): string {
    return `${REFRESH_TOKEN_MARK}${this.grants.size}`;
  }

  #issue(family: MemoryFamily, refreshToken: string): Grant {
    const { account: accountId } = family;
    const email = `${this.grants.size}@example.com`;
    const grant = fakeGrant({
      accountId,
      email,
      refreshToken,
      issuedAtMs: this.#now(),
      issuer: MEMORY_ISSUER,
    });
    this.grants.set(email, grant);
    if (!family.refreshTokens.includes(refreshToken)) family.refreshTokens.push(refreshToken);
    return grant;
  }

  #answer(status: number, body: object): HttpResponse {
    return { status, headers: { date: new Date(this.#now()).toUTCString() }, body: JSON.stringify(body) };
  }
}
