/** A socket that the service manager bound and passed on. What we would have made sure of ourselves is checked instead. */
import { fstatSync, lstatSync, readFileSync, statSync } from "node:fs";
import { AuthError } from "@codex-authd/shared";

/** Every Unix-domain socket of this network namespace, a line each: proc(5). Only Linux has service managers of this kind. */
const SOCKET_TABLE = "/proc/self/net/unix";

/** Columns of a line that is about a listening stream socket with a path. */
const LISTENING_STREAM = /^\S+: \S+ \S+ 00010000 0001 \S+ +(?<inode>\d+) (?<path>\/.*)$/;

/** To connect takes permission to write. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes sure that the passed socket is the one that callers look for, and that only we can connect to it.
 * @param descriptor as {@link Supervision.passedSocket}
 * @param path where the configuration has the daemon listen
 * @throws AuthError ERR_CONFIG_INVALID
 */
export function checkPassedSocket(descriptor: number, path: string): void {
  const bound = boundPath(descriptor);
  if (bound === undefined) {
    throw invalid(
      `What the service manager passed is no listening Unix-domain socket. Set ListenStream=${path}.`,
    );
  }
  if (!isSameFile(bound, path)) {
    throw invalid(
      `The service manager listens on ${bound}, and the configuration says ${path}. Make ListenStream= and \`socket\` agree.`,
    );
  }
  if ((lstatSync(path).mode & WRITABLE_BY_OTHERS) !== 0) {
    throw invalid(`Others may connect to ${path}. Set SocketMode=0600 in the .socket unit.`);
  }
}

function boundPath(descriptor: number): string | undefined {
  const inode = inodeOf(descriptor);
  for (const line of readFileSync(SOCKET_TABLE, "utf8").split("\n")) {
    const groups = LISTENING_STREAM.exec(line)?.groups;
    if (groups?.inode === inode) return groups?.path;
  }
  return undefined;
}

/** `undefined` when there is no such descriptor. */
function inodeOf(descriptor: number): string | undefined {
  try {
    return String(fstatSync(descriptor).ino);
  } catch {
    return undefined;
  }
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}

function invalid(message: string): AuthError {
  return new AuthError("ERR_CONFIG_INVALID", message);
}
