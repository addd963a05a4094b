/** A daemon that does not listen just now and is about to: it drains to make room for the next one, or a service starts it. */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { type Clock, type Environment, socketLockPath } from "@codex-authd/shared";
import { isProcessAlive } from "./process-alive.js";
import { launchAgentPath, systemdUnitFolder } from "./service-paths.js";

/** A start takes half a second; on a busy machine it has time. */
const START_UP_MS = 2_000;

/** As long as a process has the claim: it starts, or drains for 5 s at most unless it waits for the issuer. */
const CLAIMED_MS = 5_000;

/** A start as well, which nobody but the one who ended the daemon knows of: a busy machine must not miss it. */
const JUST_ENDED_MS = 5_000;

/** Pause between two looks. */
export const COMEBACK_LOOK_MS = 25;

/** True while it is worth waiting, after `waitedMs`, for a daemon that nobody has to start: the claim is held, or a service is there. */
export async function isComing(socketPath: string, env: Environment, waitedMs: number): Promise<boolean> {
  if (waitedMs < CLAIMED_MS && (await isClaimed(socketPath))) return true;
  return waitedMs < START_UP_MS && isServiceInstalled(env);
}

/** True for 5 s after a daemon let go of its claim: whoever ended it may be starting the next one. */
export async function hasJustEnded(socketPath: string, clock: Clock): Promise<boolean> {
  const lock = await stat(socketLockPath(socketPath)).catch(() => undefined);
  return lock !== undefined && Math.abs(clock.now() - lock.mtimeMs) < JUST_ENDED_MS;
}

async function isClaimed(socketPath: string): Promise<boolean> {
  const text = await readFile(socketLockPath(socketPath), "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && isProcessAlive(pid);
}

function isServiceInstalled(env: Environment): boolean {
  if (!env.HOME) return false;
  return existsSync(`${systemdUnitFolder(env)}/codex-authd.service`) || existsSync(launchAgentPath(env));
}
