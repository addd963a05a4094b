/** One burst of calls, and what it took. */
import type { Caller } from "./callers.js";

export interface Load {
  /** Median and 99th percentile of a call, in microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly callsPerSecond: number;
}

export interface LoadOptions {
  /** How many ask at the same time, each again as soon as it was answered. */
  readonly callers: number;
  /** Of all callers together. */
  readonly calls: number;
}

export async function measureLoad(caller: Caller, { callers, calls }: LoadOptions): Promise<Load> {
  const takenMs: number[] = [];
  let left = calls;
  async function ask(number: number): Promise<void> {
    while (left-- > 0) {
      const beganAtMs = performance.now();
      await caller.call(number);
      takenMs.push(performance.now() - beganAtMs);
    }
  }
  const beganAtMs = performance.now();
  await Promise.all(Array.from({ length: callers }, (_, number) => ask(number)));
  const allMs = performance.now() - beganAtMs;
  takenMs.sort((a, b) => a - b);
  return {
    p50Us: 1000 * quantile(takenMs, 0.5),
    p99Us: 1000 * quantile(takenMs, 0.99),
    callsPerSecond: (1000 * calls) / allMs,
  };
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
