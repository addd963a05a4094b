import type { Clock } from "@codex-authd/shared";

/** A clock that stands still until it is told otherwise. */
export interface ManualClock extends Clock {
  /** Moves on by `durationMs` and calls what is due, in order, letting promises settle in between. */
  advance(durationMs: number): Promise<void>;
  /** Jumps, as an administrator or a wake-up does: timers do not count it. */
  jump(durationMs: number): void;
}

export function createManualClock(startAtMs = Date.parse("2026-11-22T12:00:00Z")): ManualClock {
  let nowMs = startAtMs;
  let elapsedMs = 0;
  const timers = new Map<symbol, { dueMs: number; callback: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  function nextDue(untilMs: number): [symbol, { dueMs: number; callback: () => void }] | undefined {
    return [...timers]
      .filter(([, timer]) => timer.dueMs <= untilMs)
      .sort(([, a], [, b]) => a.dueMs - b.dueMs)[0];
  }

  return {
    now: () => nowMs,
    setTimer(delayMs, callback) {
      const key = Symbol("timer");
      timers.set(key, { dueMs: elapsedMs + Math.max(0, delayMs), callback });
      return () => timers.delete(key);
    },
    jump(durationMs) {
      nowMs += durationMs;
    },
    async advance(durationMs) {
      const untilMs = elapsedMs + durationMs;
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        const [key, timer] = due;
        timers.delete(key);
        nowMs += timer.dueMs - elapsedMs;
        elapsedMs = timer.dueMs;
        timer.callback();
        await settle();
      }
      nowMs += untilMs - elapsedMs;
      elapsedMs = untilMs;
      await settle();
    },
  };
}
