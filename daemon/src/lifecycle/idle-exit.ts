import type { Clock, EpochMs, Seconds } from "@codex-authd/shared";

const LOOK_MS = 1_000;

export interface IdleExitOptions {
  /** 0: never. */
  readonly idleExitSeconds: Seconds;
  /** Since when the daemon has had nothing to do, or `null` while it has. */
  readonly idleSinceMs: () => EpochMs | null;
  readonly clock: Clock;
  /** Called once. */
  readonly exit: () => void;
}

/** Calls `exit` when nothing was to be done for that long. The returned function stops looking. */
export function exitWhenIdle({
  idleExitSeconds,
  idleSinceMs,
  clock,
  exit,
}: IdleExitOptions): () => Promise<void> {
  if (idleExitSeconds === 0) return async () => {};
  let stop = clock.setTimer(LOOK_MS, look);
  function look(): void {
    const sinceMs = idleSinceMs();
    if (sinceMs !== null && clock.now() - sinceMs >= idleExitSeconds * 1_000) exit();
    else stop = clock.setTimer(LOOK_MS, look);
  }
  return async () => stop();
}
