import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * Replaces `path` so that a reader, and a machine that loses power, see the old content or the new one, never less:
 * temporary file in the same folder, 0600 from birth, fsync, rename, fsync of the folder (which upstream leaves out).
 * Synchronous on purpose: under a millisecond, and nothing else can happen between the steps.
 * @throws the system's error; `path` is then untouched and the temporary file gone
 */
export function writeDurably(path: string, content: string): void {
  const folder = dirname(path);
  const temporary = join(folder, `.auth-${process.pid}-${randomBytes(6).toString("hex")}`);
  try {
    writeAndSync(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** Whose temporary file it is, so that nobody takes one away from a process that is about to rename it. */
const TEMPORARY = /^\.auth-(\d+)-[0-9a-f]{12}$/;

/** Removes what {@link writeDurably} left in `folder` when its process was killed between the write and the rename. */
export function removeLeftovers(folder: string): void {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names) {
    const pid = TEMPORARY.exec(name)?.[1];
    // In a container the process after us has our number; of our own, none is being written now.
    if (pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid))))
      rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function writeAndSync(path: string, content: string): void {
  const descriptor = openSync(path, "wx", 0o600);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes a rename or an unlink in `folder` survive a power cut, where the file system can. It has happened either way, so
 * a file system that cannot (some network ones refuse) is no failure of the write.
 */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } catch {
  } finally {
    closeSync(descriptor);
  }
}
