/** Who has taken tokens or changed a login of late: for whoever watches. In memory, and bounded. */
import type { Clock, EpochMs } from "@codex-authd/shared";
import type { Audit } from "./audit.js";
import type { Caller } from "./caller.js";

/** Who has been silent for longer has gone. */
const REMEMBERED_MS = 60_000;

/** More than a person can look at. */
const REMEMBERED_MAX = 50;

export interface RecentCaller {
  readonly pid: number | null;
  readonly executable: string | null;
  /** Its own word. */
  readonly client: string | null;
  /** Since it was last silent for a minute. */
  readonly callCount: number;
  readonly lastCallAtMs: EpochMs;
}

export class RecentCallers {
  readonly #clock: Clock;
  /** By process, the one that was silent longest first. */
  readonly #callers = new Map<string, RecentCaller>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `audit`, whose callers are remembered here as well. */
  noting(audit: Audit): Audit {
    return {
      record: (entry) => {
        if (entry.caller) this.#note(entry.caller);
        audit.record(entry);
      },
    };
  }

  /** Those of the last minute, the most recent first. */
  list(): RecentCaller[] {
    const since = this.#clock.now() - REMEMBERED_MS;
    return [...this.#callers.values()].filter(({ lastCallAtMs }) => lastCallAtMs > since).reverse();
  }

  #note({ pid, startTicks, executable, client }: Caller): void {
    const key = `${pid} ${startTicks}`;
    const lastCallAtMs = this.#clock.now();
    const before = this.#callers.get(key);
    const isBack = before === undefined || lastCallAtMs - before.lastCallAtMs > REMEMBERED_MS;
    this.#callers.delete(key);
    this.#callers.set(key, {
      pid,
      executable,
      client,
      callCount: isBack ? 1 : before.callCount + 1,
      lastCallAtMs,
    });
    const [oldest] = this.#callers.keys();
    if (this.#callers.size > REMEMBERED_MAX && oldest !== undefined) this.#callers.delete(oldest);
  }
}
