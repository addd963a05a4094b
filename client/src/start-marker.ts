/**
 * A file beside the socket that says "somebody is starting the daemon", so that a hundred callers do not start a hundred
 * processes. It saves work only: the daemon's own lock is what keeps a second one from serving.
 */
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import type { Clock } from "@codex-authd/shared";
import { isProcessAlive } from "./process-alive.js";

/** A start takes a second; its caller gives up after 15. What is older was left behind. */
const STALE_AFTER_MS = 20_000;

/**
 * Takes the marker, also from a process that is gone. Give it back with {@link releaseStartMarker}.
 * @returns false when another process is starting the daemon just now
 */
export async function claimStartMarker(path: string, clock: Clock): Promise<boolean> {
  if (await createMarker(path)) return true;
  if (!(await isStale(path, clock))) return false;
  await rm(path, { force: true });
  return createMarker(path);
}

/** Gives the marker back. */
export async function releaseStartMarker(path: string): Promise<void> {
  await rm(path, { force: true });
}

async function createMarker(path: string): Promise<boolean> {
  try {
    await writeFile(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (isErrorWithCode(error, "EEXIST")) return false;
    throw error;
  }
}

async function isStale(path: string, clock: Clock): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (clock.now() - mtimeMs > STALE_AFTER_MS) return true;
    const pid = Number.parseInt(await readFile(path, "utf8"), 10);
    return Number.isInteger(pid) && !isProcessAlive(pid);
  } catch (error) {
    if (isErrorWithCode(error, "ENOENT")) return true;
    throw error;
  }
}

function isErrorWithCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
