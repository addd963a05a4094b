import { type Clock, systemClock } from "@codex-authd/shared";

/** Real timers, and a time of day that can be set. */
export interface SettableClock extends Clock {
  /** Sets the time of day, from now on `durationMs` further on (or back). */
  jump(durationMs: number): void;
}

/** `aheadMs`: how far the clock is wrong from the start. */
export function createSettableClock(aheadMs = 0): SettableClock {
  let offsetMs = aheadMs;
  return {
    now: () => systemClock.now() + offsetMs,
    setTimer: systemClock.setTimer,
    jump(durationMs) {
      offsetMs += durationMs;
    },
  };
}
