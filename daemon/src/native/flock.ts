/**
 * flock(2), which Node lacks, through koffi, which may be absent. The lock belongs to the open file: closing the
 * descriptor gives it back, and so does the end of the process, however it ends. Children do not inherit it.
 */
import { createRequire } from "node:module";

/** <sys/file.h>, the same numbers on Linux and macOS. */
const LOCK_EX = 2;
const LOCK_NB = 4;

interface Native {
  flock(fd: number, operation: number): number;
  errno(): number;
  /** Number of each errno, by name. */
  readonly numbers: Readonly<Record<string, number>>;
}

let loaded: Native | null | undefined;

/** False where koffi cannot be loaded: then there is no {@link tryFlock}, and nobody may act as if there were. */
export function isFlockAvailable(): boolean {
  return native() !== null;
}

/**
 * Takes the exclusive lock on an open file, without waiting (LOCK_EX | LOCK_NB).
 * @param descriptor an open file; closing it gives the lock back
 * @returns false when another open file, of this process or another, holds a lock on the same file
 * @throws TypeError where flock is not available
 * @throws Error with the errno's name in `code` for anything else, such as a filesystem without locks (ENOLCK)
 */
export function tryFlock(descriptor: number): boolean {
  const available = native();
  if (!available) throw new TypeError("flock is not available here: ask isFlockAvailable() first");
  if (available.flock(descriptor, LOCK_EX | LOCK_NB) === 0) return true;
  const code = nameOf(available.errno(), available.numbers);
  // One number under two names on Linux and macOS; which of them is found first is koffi's affair.
  if (code === "EWOULDBLOCK" || code === "EAGAIN") return false;
  throw Object.assign(new Error(`flock failed: ${code}`), { code });
}

function nameOf(errno: number, numbers: Native["numbers"]): string {
  return Object.keys(numbers).find((name) => numbers[name] === errno) ?? `errno ${errno}`;
}

function native(): Native | null {
  if (loaded === undefined) loaded = load();
  return loaded;
}

function load(): Native | null {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    // `null` is the running program itself, which has the C library in it, whatever that is called here.
    const flock = koffi.load(null).func("int flock(int, int)") as Native["flock"];
    return { flock, errno: () => koffi.errno(), numbers: koffi.os.errno };
  } catch {
    return null;
  }
}
