/**
 * Reading files whose path a caller decides. A pipe or a device there would hold up the one thread that serves everybody, and
 * a huge file fill its memory.
 */
import { readFileSync, statSync } from "node:fs";

/** What is read this way is configuration, a login or a bundle of certificates: some hundred kilobytes at most. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The text of a file of at most 16 MiB, links followed.
 * @throws what `node:fs` throws; an Error whose `code` says in words that it is no file, or too large
 */
export function readRegularFile(path: string): string {
  const stats = statSync(path);
  if (!stats.isFile() && !stats.isDirectory()) throw unreadable("not a regular file");
  if (stats.size > MAX_BYTES) throw unreadable("over 16 MiB");
  return readFileSync(path, "utf8");
}

function unreadable(code: string): Error {
  return Object.assign(new Error(`It cannot be read: ${code}.`), { code });
}
