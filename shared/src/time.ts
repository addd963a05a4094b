/**
 * Time as a parameter. Everything that waits or asks for the hour takes a {@link Clock}, so that tests own time;
 * this file is the only place that touches the real one.
 */

/** Milliseconds since 1970-01-01T00:00:00Z, by the local clock unless its name says otherwise. */
export type EpochMs = number;

/** A duration that a protocol states, such as `expires_in`. */
export type Seconds = number;

export interface Clock {
  now(): EpochMs;
  /** Calls `callback` once after `delayMs`; the returned function cancels. A timer keeps the process alive. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `delayMs`.
 * @throws the signal's reason when `signal` aborts first
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/**
 * Settles as `promise` does, or rejects with `onLate()` after `delayMs`; the promise itself is left running.
 */
export function withDeadline<T>(
  clock: Clock,
  promise: Promise<T>,
  late: { afterMs: number; error: () => Error },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(late.afterMs, () => reject(late.error()));
    promise.then(resolve, reject).finally(cancel);
  });
}
