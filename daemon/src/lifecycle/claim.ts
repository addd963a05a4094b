/**
 * Who may listen on a socket. A daemon claims the path before it loads a login, and keeps the claim until everything is
 * closed: an exclusive flock on a file beside the socket, so that a live daemon is never displaced and of two that start
 * at once one wins. Without flock, the probe decides alone.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { AuthError, type Clock, checkedSocketPath, sleep, socketLockPath } from "@codex-authd/shared";
import { isFlockAvailable, tryFlock } from "../native/flock.js";
import { checkPassedSocket } from "./passed-socket.js";
import { probeSocket } from "./probe.js";
import { prepareSocketFolder } from "./socket-folder.js";

/**
 * How long a claim waits while another daemon holds the lock but does not answer: it is starting, or on its way out.
 * Longer than a drain; a client that starts a daemon waits about as long.
 */
const OWNER_SETTLES_MS = 12_000;

/** Pace of looking again meanwhile. */
const OWNER_LOOK_MS = 50;

/** The right to listen at `path`, until `release()`. */
export interface SocketClaim {
  readonly path: string;
  /** Lets the next daemon in. May be called twice. */
  release(): void;
}

export type ClaimResult =
  | { readonly state: "claimed"; readonly claim: SocketClaim }
  /** Another daemon is alive there; `pid` when it left one. */
  | { readonly state: "alreadyRunning"; readonly pid: number | undefined };

/**
 * Claims the socket at `path`, and removes one that a dead daemon left there. When the service manager listens there,
 * on `passedSocket`, a daemon that holds the lock was started by hand and has lost the path to it: it notices, ends, and is
 * waited for.
 * @throws AuthError ERR_CONFIG_INVALID when the path is relative or over 103 bytes, its folder is not ours alone, or
 * something that is not a socket is in the way (which is never deleted)
 * @throws AuthError ERR_STORAGE_UNAVAILABLE when the folder or the lock cannot be used, or who lost the path does not end
 */
export async function claimSocket(path: string, clock: Clock, passedSocket?: number): Promise<ClaimResult> {
  prepareSocketFolder(dirname(checkedSocketPath(path)));
  const isPassed = passedSocket !== undefined;
  if (isPassed) checkPassedSocket(passedSocket, path);
  const lock = openLock(socketLockPath(path));
  const isServing = async (): Promise<boolean> => !isPassed && (await probeSocket(path)) === "somebody";
  try {
    const isFree = (await takeLock(lock, clock, isServing)) && (isPassed || !(await isOccupied(path)));
    if (!isFree && isPassed) throw stillHeld(pidIn(lock));
    if (!isFree) return { state: "alreadyRunning", pid: giveUp(lock) };
  } catch (error) {
    closeSync(lock);
    throw error;
  }
  writePid(lock);
  return { state: "claimed", claim: createClaim(path, lock) };
}

/** False when another daemon has the lock and will not settle, or `isServing` says that there is no need to wait. */
async function takeLock(lock: number, clock: Clock, isServing: () => Promise<boolean>): Promise<boolean> {
  if (!isFlockAvailable()) return true;
  const deadlineAtMs = clock.now() + OWNER_SETTLES_MS;
  while (!tryFlock(lock)) {
    if (clock.now() >= deadlineAtMs || (await isServing())) return false;
    await sleep(clock, OWNER_LOOK_MS);
  }
  // Whoever is named in it is gone.
  ftruncateSync(lock);
  return true;
}

/** Removes a stale socket. True when somebody listens there all the same: a daemon that has no flock. */
async function isOccupied(path: string): Promise<boolean> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (!stats.isSocket()) {
    throw new AuthError(
      "ERR_CONFIG_INVALID",
      `${path} is there and is not a socket, so it is left alone. Move it away, or set \`socket\` to another path.`,
    );
  }
  const occupant = await probeSocket(path);
  if (occupant === "stale") unlinkSync(path);
  return occupant === "somebody";
}

function openLock(path: string): number {
  try {
    const lock = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    if (fstatSync(lock).isFile()) return lock;
    closeSync(lock);
    throw new TypeError("not a regular file");
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AuthError(
      "ERR_STORAGE_UNAVAILABLE",
      `The lock ${path} cannot be opened (${words}). Mend or remove it, then start codex-authd again.`,
      { cause },
    );
  }
}

function stillHeld(pid: number | undefined): AuthError {
  return new AuthError(
    "ERR_STORAGE_UNAVAILABLE",
    `Another codex-authd${pid === undefined ? "" : ` (process ${pid})`} was started by hand and has not ended yet. ` +
      "End it, then run `codex-auth service restart`.",
  );
}

function createClaim(path: string, lock: number): SocketClaim {
  let isHeld = true;
  return {
    path,
    release() {
      if (!isHeld) return;
      isHeld = false;
      ftruncateSync(lock);
      closeSync(lock);
    },
  };
}

function giveUp(lock: number): number | undefined {
  const pid = pidIn(lock);
  closeSync(lock);
  return pid;
}

function pidIn(lock: number): number | undefined {
  const pid = Number.parseInt(readFileSync(lock, "utf8"), 10);
  return Number.isNaN(pid) ? undefined : pid;
}

function writePid(lock: number): void {
  ftruncateSync(lock);
  writeSync(lock, `${process.pid}\n`, 0);
}
