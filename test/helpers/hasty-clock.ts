import { type Clock, systemClock } from "@codex-authd/shared";

/** The machine's clock, `factor` times as fast: what waits for minutes is over in a second. */
export function createHastyClock(factor: number): Clock {
  const startAtMs = systemClock.now();
  return {
    now: () => startAtMs + (systemClock.now() - startAtMs) * factor,
    setTimer: (delayMs, callback) => systemClock.setTimer(delayMs / factor, callback),
  };
}
