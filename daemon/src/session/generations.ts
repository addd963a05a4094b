import type { Clock } from "@codex-authd/shared";

/** Where the highest number that may have been handed out is kept; it may be too high, never too low. */
export interface GenerationStore {
  load(): number;
  save(ceiling: number): void;
}

/** Numbers that are reserved by one write. */
const BLOCK = 1_000_000;

export interface Generations {
  current(): number;
  next(): number;
}

/**
 * Counts the changes of all sessions, one counter for the daemon. It starts above everything that was ever handed out:
 * the stored ceiling, or the time of day where that is later, so that a lost store does no harm.
 */
export function createGenerations(clock: Clock, store: GenerationStore): Generations {
  let generation = Math.max(clock.now(), store.load());
  let ceiling = generation;
  return {
    current: () => generation,
    next() {
      generation += 1;
      if (generation > ceiling) {
        ceiling = generation + BLOCK;
        store.save(ceiling);
      }
      return generation;
    },
  };
}
