import { lstatSync, renameSync, type Stats, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { AuthError, type Clock } from "@codex-authd/shared";
import type { Log } from "../log.js";
import type { SocketClaim } from "./claim.js";

/** Calls in flight get this long to finish at a shutdown; then their connections are cut. */
export const DRAIN_DEADLINE_MS = 5_000;

/** How often it is made sure that callers can still find the socket. */
const LOOK_MS = 1_000;

/** Takes every permission but the owner's to read and write: the socket is born with 0600. */
const SOCKET_UMASK = 0o177;

export interface ListenOptions {
  readonly claim: SocketClaim;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds. Default {@link DRAIN_DEADLINE_MS}. */
  readonly drainDeadlineMs?: number;
  /** The claimed socket itself, which the service manager keeps open when we end. Default: one is bound. */
  readonly passedSocket?: number | undefined;
  /** Called once when the file at the path is not our socket any more: nobody can call us, and others wait for the claim. */
  readonly onLost?: () => void;
}

export interface Listener {
  /**
   * Removes the socket at once, unless it was passed, and stops accepting; then waits for calls in flight, and after the
   * drain deadline cuts them off. May be called twice. The claim is still held afterwards.
   */
  close(): Promise<void>;
}

/**
 * Listens on the claimed socket, mode 0600 from birth, or on the one that was passed.
 * @throws AuthError ERR_STORAGE_UNAVAILABLE when the system will not bind there
 */
export async function listenOnSocket(server: Server, options: ListenOptions): Promise<Listener> {
  const { claim, passedSocket, clock, log, onLost = () => {} } = options;
  const { path } = claim;
  await listen(server, path, passedSocket);
  const born = lstatSync(path);
  // A connection that cannot be accepted (no descriptor left, say) is that caller's loss, not the daemon's end.
  server.on("error", (error) => log.error({ event: "socket.acceptFailed", error }));
  log.info({ event: "socket.listening", path });
  const stopLooking = lookAfter(() => isThere(path, born), { clock, onLost });
  const stop =
    passedSocket === undefined ? () => stopAccepting(server, path, born) : async () => void server.close();
  let closed: Promise<void> | undefined;
  return {
    close() {
      stopLooking();
      closed ??= drain(server, options, stop);
      return closed;
    },
  };
}

function listen(server: Server, path: string, passedSocket: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void => {
      const words = `The socket ${path} cannot be bound (${cause.code}). Set \`socket\` to another place.`;
      reject(new AuthError("ERR_STORAGE_UNAVAILABLE", words, { cause }));
    };
    server.once("error", refuse);
    // Node binds before listen() returns, so no other file is born under this mask.
    const before = process.umask(SOCKET_UMASK);
    try {
      server.listen(passedSocket === undefined ? { path } : { fd: passedSocket }, () => {
        server.off("error", refuse);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

/** Looks every second; calls `onLost` when it is gone, and looks no more. */
function lookAfter(
  isStillThere: () => boolean,
  { clock, onLost }: { clock: Clock; onLost: () => void },
): () => void {
  let stop = clock.setTimer(LOOK_MS, look);
  function look(): void {
    if (isStillThere()) stop = clock.setTimer(LOOK_MS, look);
    else onLost();
  }
  return () => stop();
}

function isThere(path: string, born: Stats): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false });
  return now?.ino === born.ino && now.dev === born.dev;
}

function drain(
  server: Server,
  { clock, drainDeadlineMs }: ListenOptions,
  stop: () => Promise<void>,
): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(drainDeadlineMs ?? DRAIN_DEADLINE_MS, () => server.closeAllConnections());
    server.once("close", () => {
      cancel();
      resolve();
    });
    void stop();
  });
}

/** Nobody can connect any more once the socket is gone; who had done so by then is still served, and only then it ends. */
async function stopAccepting(server: Server, path: string, born: Stats): Promise<void> {
  if (isThere(path, born)) unlinkSync(path);
  let isAccepting = true;
  server.on("connection", () => {
    isAccepting = true;
  });
  while (isAccepting) {
    isAccepting = false;
    // Of two turns of the event loop at least one looks for connections.
    for (let turns = 0; turns < 2; turns++) await new Promise(setImmediate);
  }
  closeServer(server, path);
}

/**
 * Node removes whatever is at the path when it stops listening. A file that is there again belongs to somebody else, so it
 * is put aside for that moment, in which nothing else of this process runs.
 */
function closeServer(server: Server, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    server.close();
    return;
  }
  const aside = `${path}.${process.pid}`;
  renameSync(path, aside);
  server.close();
  renameSync(aside, path);
}
