/**
 * Notices that a file may have changed. chokidar watches its folder; a stat once a second alone would suffice and covers
 * what no event tells (a folder created later, network file systems, exhausted inotify). Only content decides.
 */
import { type BigIntStats, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "@codex-authd/shared";
import { watch } from "chokidar";

/** Re-read this long after the last event: chokidar 5 swallows a change within 50 ms of the one before. */
const SETTLE_MS = 80;

/** …but no later than this after the first one, so that a busy writer cannot keep a change from being seen. */
const SETTLE_MAX_MS = 100;

const BACKSTOP_MS = 1_000;

export interface FileWatch {
  readonly path: string;
  readonly clock: Clock;
  readonly onChange: () => void;
}

/** Watches until closed; `close()` resolves when nothing will be called any more. */
export function watchFile({ path, clock, onChange }: FileWatch): { close(): Promise<void> } {
  const settled = createSettler(clock, onChange);
  const real = realPath(path);
  const folders = [...new Set([dirname(path), dirname(real)])];
  const events = watch(folders, { depth: 0, ignoreInitial: true, persistent: true, followSymlinks: false });
  // Codex writes other files into the same folder all the time.
  const names = [basename(path), basename(real)];
  events.on("all", (_, changed) => names.includes(basename(changed)) && settled.poke());
  // Without inotify the stat below goes on alone.
  events.on("error", () => void events.close());
  const stopBackstop = startBackstop(path, clock, settled.poke);
  return {
    async close() {
      stopBackstop();
      settled.cancel();
      await events.close();
    },
  };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function createSettler(clock: Clock, onChange: () => void): { poke: () => void; cancel: () => void } {
  let firstAtMs: number | undefined;
  let cancelTimer = (): void => {};
  const settle = (): void => {
    firstAtMs = undefined;
    onChange();
  };
  const poke = (): void => {
    firstAtMs ??= clock.now();
    cancelTimer();
    const leftMs = firstAtMs + SETTLE_MAX_MS - clock.now();
    cancelTimer = clock.setTimer(Math.max(0, Math.min(SETTLE_MS, leftMs)), settle);
  };
  return { poke, cancel: () => cancelTimer() };
}

function startBackstop(path: string, clock: Clock, poke: () => void): () => void {
  let last = signature(path);
  const look = (): void => {
    const now = signature(path);
    if (now !== last) poke();
    last = now;
    cancel = clock.setTimer(BACKSTOP_MS, look);
  };
  let cancel = clock.setTimer(BACKSTOP_MS, look);
  return () => cancel();
}

function signature(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats = statSync(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch (error) {
    return `absent:${(error as NodeJS.ErrnoException).code}`;
  }
}
