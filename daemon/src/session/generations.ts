import type { Clock } from "@codex-authd/shared";

/**
 * Counts the changes of all sessions, one counter for the daemon. It starts at the time of day, so that it grows across
 * restarts without anything on disk.
 */
export function createGenerations(clock: Clock): { current(): number; next(): number } {
  let generation = clock.now();
  return { current: () => generation, next: () => ++generation };
}
