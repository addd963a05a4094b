/**
 * Upstream's two locks around a write of auth.json: `flock(2)` on `$CODEX_HOME/auth.lock`, then on `auth.json.lock`
 * beside the real file (codex-cli 0.169). Ours are the same calls on the same files in the same order; never held over
 * the network, and never blocking the event loop: tried, with a deadline.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { AuthError, type Clock, sleep } from "@codex-authd/shared";
import { isFlockAvailable, tryFlock } from "../native/flock.js";

/** Upstream's own patience for `auth.json.lock`. */
const LOCK_DEADLINE_MS = 5_000;

/** Upstream's own pace. */
const LOCK_RETRY_MS = 10;

export interface CodexLockPaths {
  readonly codexHome: string;
  /** The real auth.json, links resolved. */
  readonly realFile: string;
}

/**
 * Runs `commit` while holding both locks. Without flock on this machine it runs unprotected, as every Codex before 0.169 does.
 * @throws AuthError ERR_STORAGE_UNAVAILABLE when another process holds a lock for {@link LOCK_DEADLINE_MS}
 */
export async function withCodexLocks<T>(paths: CodexLockPaths, clock: Clock, commit: () => T): Promise<T> {
  mkdirSync(paths.codexHome, { recursive: true, mode: 0o700 });
  if (!isFlockAvailable()) return commit();
  const deadlineAtMs = clock.now() + LOCK_DEADLINE_MS;
  const release: (() => void)[] = [];
  try {
    release.push(await lock(join(paths.codexHome, "auth.lock"), 0o666, { clock, deadlineAtMs }));
    release.push(await lock(`${paths.realFile}.lock`, 0o600, { clock, deadlineAtMs }));
    return commit();
  } finally {
    for (const unlock of release.reverse()) unlock();
  }
}

async function lock(
  path: string,
  mode: number,
  wait: { clock: Clock; deadlineAtMs: number },
): Promise<() => void> {
  const descriptor = openSync(path, "a+", mode);
  try {
    while (!tryFlock(descriptor)) {
      if (wait.clock.now() >= wait.deadlineAtMs) throw lockTimedOut(path);
      await sleep(wait.clock, LOCK_RETRY_MS);
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
    `Another process has held ${path} for ${LOCK_DEADLINE_MS / 1000} seconds, so auth.json was not written. ` +
      "Look for a Codex process that hangs; the write is tried again.",
  );
}
