import { lstatSync, renameSync, type Stats } from "node:fs";
import type { Server } from "node:http";
import { AuthError, type Clock } from "@codex-authd/shared";
import type { Log } from "../log.js";
import type { SocketClaim } from "./claim.js";

/** Calls in flight get this long to finish at a shutdown; then their connections are cut. */
export const DRAIN_DEADLINE_MS = 5_000;

/** Takes every permission but the owner's to read and write: the socket is born with 0600. */
const SOCKET_UMASK = 0o177;

export interface ListenOptions {
  readonly claim: SocketClaim;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds. Default {@link DRAIN_DEADLINE_MS}. */
  readonly drainDeadlineMs?: number;
}

export interface Listener {
  /**
   * Stops accepting and removes the socket at once, then waits for calls in flight, and after the drain deadline cuts
   * them off. May be called twice. The claim is still held afterwards.
   */
  close(): Promise<void>;
}

/**
 * Listens on the claimed socket, mode 0600 from birth.
 * @throws AuthError ERR_STORAGE_UNAVAILABLE when the system will not bind there
 */
export async function listenOnSocket(server: Server, options: ListenOptions): Promise<Listener> {
  const { path } = options.claim;
  await bind(server, path);
  const born = lstatSync(path);
  // A connection that cannot be accepted (no descriptor left, say) is that caller's loss, not the daemon's end.
  server.on("error", (error) => options.log.error({ event: "socket.acceptFailed", error }));
  options.log.info({ event: "socket.listening", path });
  let closed: Promise<void> | undefined;
  return {
    close() {
      closed ??= drain(server, options, () => stopAccepting(server, path, born));
      return closed;
    },
  };
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void => {
      const words = `The socket ${path} cannot be bound (${cause.code}). Set \`socket\` to another place.`;
      reject(new AuthError("ERR_STORAGE_UNAVAILABLE", words, { cause }));
    };
    server.once("error", refuse);
    // Node binds before listen() returns, so no other file is born under this mask.
    const before = process.umask(SOCKET_UMASK);
    try {
      server.listen(path, () => {
        server.off("error", refuse);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function drain(server: Server, { clock, drainDeadlineMs }: ListenOptions, stop: () => void): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(drainDeadlineMs ?? DRAIN_DEADLINE_MS, () => server.closeAllConnections());
    server.once("close", () => {
      cancel();
      resolve();
    });
    stop();
  });
}

/**
 * Node removes whatever is at the path when it stops listening. A file that is not the one that was bound belongs to
 * somebody else by now, so it is put aside for that moment, in which nothing else of this process runs.
 */
function stopAccepting(server: Server, path: string, born: Stats): void {
  const now = lstatSync(path, { throwIfNoEntry: false });
  const isOurs = now?.ino === born.ino && now.dev === born.dev;
  if (now === undefined || isOurs) {
    server.close();
    return;
  }
  const aside = `${path}.${process.pid}`;
  renameSync(path, aside);
  server.close();
  renameSync(aside, path);
}
