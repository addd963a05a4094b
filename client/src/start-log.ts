/** The log of a daemon that a client starts: a file that each start appends to, and that does not grow for ever. */
import { type FileHandle, mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Environment, logPath } from "@codex-authd/shared";

/** Thousands of refreshes; with the one that is kept, nothing that a disk would notice. */
const MAX_LOG_BYTES = 1024 * 1024;

/** The end of the log that an error quotes. */
const TAIL_BYTES = 2_000;
const TAIL_LINES = 6;

export interface StartLog {
  readonly path: string;
  readonly handle: FileHandle;
  /** Where this start's lines begin. */
  readonly offset: number;
}

/** Opens the log at {@link logPath} for one start; one over 1 MiB is kept as `codex-authd.log.1`, in place of an older one. */
export async function openStartLog(env: Environment): Promise<StartLog> {
  const path = logPath(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await setAsideLongLog(path);
  const handle = await open(path, "a+", 0o600);
  return { path, handle, offset: (await handle.stat()).size };
}

/** The last lines that this start wrote. The daemon's log holds no secret. */
export async function logTail(log: StartLog): Promise<string> {
  const { size } = await log.handle.stat();
  const begin = Math.max(log.offset, size - TAIL_BYTES);
  const buffer = Buffer.alloc(size - begin);
  await log.handle.read(buffer, 0, buffer.length, begin);
  return buffer.toString("utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

/** A log that cannot be moved grows on: no cause to start no daemon. */
async function setAsideLongLog(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats && stats.size > MAX_LOG_BYTES) await rename(path, `${path}.1`).catch(() => undefined);
}
