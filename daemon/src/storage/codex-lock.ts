/**
 * Upstream's two locks around a write of auth.json: `flock(2)` on `$CODEX_HOME/auth.lock`, then on `auth.json.lock`
 * beside the real file (codex-cli 0.169). Ours are the same calls on the same files in the same order; never held over
 * the network, and never blocking the event loop: tried, with a deadline.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { AuthError, type Clock, sleep } from "@codex-authd/shared";
import { isFlockAvailable, tryFlock } from "../native/flock.js";

/** Upstream's own pace and patience for `auth.json.lock`: every 10 ms for 5 s. Counted, for a clock may be set meanwhile. */
const LOCK_RETRY_MS = 10;
const LOCK_TRIES = 500;

export interface CodexLockPaths {
  readonly codexHome: string;
  /** The real auth.json, links resolved; `null` where no file is written, but a keyring is. */
  readonly realFile: string | null;
}

/**
 * Runs `commit` to its end while holding the locks. Without flock on this machine it runs unprotected, as every Codex
 * before 0.169 does.
 * @throws AuthError ERR_STORAGE_UNAVAILABLE when another process holds a lock for 5 s
 */
export async function withCodexLocks<T>(
  { codexHome, realFile }: CodexLockPaths,
  clock: Clock,
  commit: () => T | Promise<T>,
): Promise<T> {
  mkdirSync(codexHome, { recursive: true, mode: 0o700 });
  if (!isFlockAvailable()) return commit();
  const release: (() => void)[] = [];
  try {
    release.push(await lock(join(codexHome, "auth.lock"), 0o666, clock));
    if (realFile !== null) release.push(await lock(`${realFile}.lock`, 0o600, clock));
    return await commit();
  } finally {
    for (const unlock of release.reverse()) unlock();
  }
}

async function lock(path: string, mode: number, clock: Clock): Promise<() => void> {
  const descriptor = openSync(path, "a+", mode);
  try {
    for (let tries = 1; !tryFlock(descriptor); tries += 1) {
      if (tries === LOCK_TRIES) throw lockTimedOut(path);
      await sleep(clock, LOCK_RETRY_MS);
    }
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  // Closing the descriptor releases the lock; the empty file stays, as upstream's does.
  return () => closeSync(descriptor);
}

function lockTimedOut(path: string): AuthError {
  return new AuthError(
    "ERR_STORAGE_UNAVAILABLE",
    `Another process has held ${path} for ${(LOCK_TRIES * LOCK_RETRY_MS) / 1000} seconds, so nothing was written. ` +
      "Look for a Codex process that hangs; the write is tried again.",
  );
}
