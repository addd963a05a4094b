import { type Clock, systemClock } from "@codex-authd/shared";

/** The machine's clock, but whoever waits for minutes is called at once; deadlines of calls stay what they are. */
export function createImpatientClock(): Clock {
  return {
    now: systemClock.now,
    setTimer: (delayMs, callback) => systemClock.setTimer(delayMs >= 120_000 ? 50 : delayMs, callback),
  };
}
