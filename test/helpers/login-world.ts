import { AuthError } from "@codex-authd/shared";
import type { Log } from "#daemon/log.js";
import { DIRECT } from "#daemon/net/network-settings.js";
import type { SessionContext } from "#daemon/session/context.js";
import { Flights } from "#daemon/session/flights.js";
import { createGenerations } from "#daemon/session/generations.js";
import type { Session } from "#daemon/session/session.js";
import { Sessions } from "#daemon/session/sessions.js";
import { Successors } from "#daemon/session/successors.js";
import { createVolatileRecord, type SessionRecord } from "#daemon/storage/session-record.js";
import { API_KEY } from "./grants.js";
import { LoginInvariants } from "./login-invariants.js";
import { createManualClock } from "./manual-clock.js";
import { MemoryFile } from "./memory-file.js";
import { type Life, MEMORY_ISSUER, MemoryIssuer } from "./memory-issuer.js";
import { unreadMetrics } from "./unread-metrics.js";

/** Steps in which a wait for something is spent. */
const STEP_MS = 100;

/** Longer than anything the daemon waits for before it answers. */
const PATIENCE_MS = 120_000;

const SETTINGS = {
  network: DIRECT,
  issuer: MEMORY_ISSUER,
  trustedIssuers: [],
  clientId: "app_EMoamEEZ73f0CkXaXp7hrann",
  originator: "test",
  userAgent: "test",
};

/** One Codex home and one user: a daemon that ends and starts again, an issuer, and other processes on the same file. */
export class LoginWorld {
  readonly clock = createManualClock();
  readonly issuer: MemoryIssuer;
  readonly file = new MemoryFile(this.clock);
  readonly invariants: LoginInvariants;
  readonly record = createVolatileRecord("/memory/auth.json");
  /** The state folder is full: no intent can be remembered. */
  isRecordFull = false;
  /** Callers without an answer yet. */
  #waiting = 0;
  /** What was in the file, or was meant for it: the newest first. */
  readonly #past: MemoryFile["content"][] = [];
  readonly #wasInFile = new Set<MemoryFile["content"]>();
  #setByMs = 0;
  #asleepMs = 0;
  #ceiling = 0;
  #life: Life = { isAlive: false, successors: new Map() };
  #sessions: Sessions | undefined;
  #session: Session | undefined;

  constructor() {
    this.issuer = new MemoryIssuer(
      this.clock,
      () => this.issuerNow(),
      (token) => this.invariants.onPresent(token),
    );
    this.invariants = new LoginInvariants(this);
  }

  /** By the issuer's clock, which nobody sets. */
  issuerNow(): number {
    return this.clock.now() - this.#setByMs;
  }

  /** By a clock that counts what timers count. */
  awakeNow(): number {
    return this.issuerNow() - this.#asleepMs;
  }

  get session(): Session {
    if (!this.#session) throw new TypeError("Start the daemon first.");
    return this.#session;
  }

  get life(): Life {
    return this.#life;
  }

  async start(): Promise<void> {
    const life: Life = { isAlive: true, successors: new Map() };
    this.#life = life;
    this.#waiting = 0;
    this.#sessions = new Sessions({
      context: this.#context(life),
      defaultCodexHome: "/memory",
      openStorage: () => this.file.connect(life),
      openRecord: () => this.#recordOf(life),
      onChange: (session, change) => this.invariants.onChange(session.status(), change),
    });
    this.#session = await this.finish(this.#sessions.open({}));
  }

  /** The orderly end: what is held back is let go, as everything ends some time. */
  async close(): Promise<void> {
    this.issuer.release();
    await this.finish(this.#sessions?.close() ?? Promise.resolve());
    this.#life.isAlive = false;
  }

  /** The end without a word: nothing of this life does anything any more. */
  crash(): void {
    this.#life.isAlive = false;
    this.issuer.release();
  }

  /** A caller that waits in the background for its answer, or for a refusal. */
  async call(work: Promise<unknown>): Promise<void> {
    const life = this.#life;
    this.#waiting += 1;
    await work.catch((error) => this.invariants.onError(error)).catch(() => {});
    if (life === this.#life) this.#waiting -= 1;
  }

  async restart(): Promise<void> {
    await this.close();
    this.invariants.onEnd(true);
    await this.start();
  }

  async crashAndStart(): Promise<void> {
    this.crash();
    this.invariants.onCrash();
    this.invariants.onEnd(false);
    await this.start();
  }

  /** Mends everything, lets the daemon come to rest, and ends it. */
  async end(): Promise<void> {
    this.issuer.release();
    this.mendDisks();
    await this.clock.advance(60_000);
    this.invariants.check();
    if (this.#waiting > 0) throw new Error(`${this.#waiting} callers wait for ever.`);
    await this.restart();
    await this.close();
  }

  mendDisks(): void {
    Object.assign(this.file, { isFull: false, isLocked: false, latencyMs: 0, announcedAfterMs: 100 });
    this.isRecordFull = false;
  }

  /** A login through the daemon. A caller who is told that it could not be stored has to begin again. */
  async login(account: string): Promise<void> {
    const grant = this.issuer.login(account);
    try {
      await this.finish(this.session.acceptLogin(grant, "browser", DIRECT));
      this.invariants.onLogin(grant.refreshToken.reveal());
    } catch (error) {
      this.invariants.onError(error);
    }
  }

  async logout(revoke: boolean): Promise<void> {
    try {
      await this.finish(this.session.logout(revoke));
      this.invariants.onLogout();
    } catch (error) {
      this.invariants.onError(error);
    }
  }

  foreignLogin(account: string): void {
    this.#write({ kind: "managed", grant: this.issuer.login(account) });
  }

  /** A Codex process refreshes what is in the file, and may leave its result for later. */
  foreignRefresh(isWritten: boolean): void {
    const { content } = this.file;
    if (content.kind !== "managed") return;
    const grant = this.issuer.exchangeElsewhere(content.grant.refreshToken.reveal());
    if (!grant) return;
    this.#past.unshift({ kind: "managed", grant });
    if (isWritten) this.restore(0);
  }

  /** Somebody puts back what was in the file, or was meant for it, `age` contents ago. */
  restore(age: number): void {
    const content = this.#past[age];
    if (content?.kind === "managed") this.issuer.delivered.add(content.grant.refreshToken.reveal());
    if (content) this.#write(content, this.#wasInFile.has(content));
  }

  foreignWrite(kind: "absent" | "torn" | "apikey"): void {
    this.#write(kind === "apikey" ? { kind: "other", ...API_KEY } : { kind });
  }

  #write(content: MemoryFile["content"], isRestored = false): void {
    if (this.file.content.kind === "managed") {
      this.#past.unshift(this.file.content);
      this.#wasInFile.add(this.file.content);
    }
    this.file.write(content);
    this.invariants.onForeignWrite(isRestored);
  }

  /** Sets the local clock; the issuer's goes on. Within a second the daemon has looked at it. */
  async setClock(byMs: number): Promise<void> {
    this.clock.jump(byMs);
    this.#setByMs += byMs;
    await this.clock.advance(1_100);
  }

  /** The machine sleeps: all clocks go on, no timer does. */
  async suspend(forMs: number): Promise<void> {
    this.clock.jump(forMs);
    this.#asleepMs += forMs;
    await this.clock.advance(1_100);
  }

  /** Lets time pass until `work` has ended. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    await this.clock.advance(0);
    for (let waitedMs = 0; !isOver; waitedMs += STEP_MS) {
      if (waitedMs > PATIENCE_MS) throw new Error("It never ended.");
      await this.clock.advance(STEP_MS);
    }
    return work;
  }

  #context(life: Life): SessionContext {
    const { clock } = this;
    const ceiling = {
      load: () => this.#ceiling,
      save: (value: number) => {
        this.#ceiling = value;
      },
    };
    return {
      clock: {
        now: clock.now,
        setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => life.isAlive && callback()),
      },
      log: this.#log(),
      metrics: unreadMetrics(),
      http: this.issuer.connect(life),
      settings: SETTINGS,
      flights: new Flights(),
      successors: new Successors(),
      generations: createGenerations(clock, ceiling),
      random: () => 0.5,
    };
  }

  #recordOf(life: Life): SessionRecord {
    const { record } = this;
    return {
      ownership: "owned",
      get intent() {
        return record.intent;
      },
      claim() {},
      begin: (refreshToken, nowMs) => {
        if (this.isRecordFull)
          throw new AuthError("ERR_STORAGE_UNAVAILABLE", "The record cannot be written.");
        record.begin(refreshToken, nowMs);
      },
      markSpent: (refreshToken) => life.isAlive && record.markSpent(refreshToken),
      end: () => life.isAlive && record.end(),
      isSpent: (refreshToken) => record.isSpent(refreshToken),
      network: null,
      bind() {},
      close() {},
    };
  }

  #log(): Log {
    const write = (fields: unknown): void => this.invariants.assertNoSecret("log", fields);
    return { fatal: write, error: write, warn: write, info: write, debug: write, trace: write };
  }
}
