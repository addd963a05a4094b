/** The process at the other end, by the kernel's word, and whether it is served at all. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { AuthError, CLIENT_HEADER } from "@codex-authd/shared";

/** What the kernel says of whoever connected. */
export interface Peer {
  readonly uid: number;
  readonly pid: number;
  /** When the process began, in ticks since boot; `null` where that cannot be had. */
  readonly startTicks: number | null;
  readonly executable: string | null;
}

/** All `null` where the kernel cannot be asked. `client` is the caller's own word. */
export interface Caller {
  readonly uid: number | null;
  readonly pid: number | null;
  readonly startTicks: number | null;
  readonly executable: string | null;
  readonly client: string | null;
}

/** Asks the kernel about a connected socket's descriptor. */
export type PeerReader = (descriptor: number) => Peer;

export interface Callers {
  /** One and the same object as long as a connection gives one name. */
  of(request: IncomingMessage): Caller;
  /** Why this caller is not served (ERR_CALLER_REFUSED), or `undefined`. */
  refusalOf(request: IncomingMessage): AuthError | undefined;
}

const UNKNOWN = { uid: null, pid: null, startTicks: null, executable: null };

const ROOT_UID = 0;

/** Enough for a program, its version and its command. */
const CLIENT_NAME = /^[\x20-\x7e]{1,64}$/;

/**
 * @param readPeer undefined where the kernel cannot be asked: then the modes of socket and folder are the only wall
 * @param ownUid who is served; root is too, for nothing could be kept from it
 */
export function createCallers(readPeer: PeerReader | undefined, ownUid: number | undefined): Callers {
  const peers = new WeakMap<Socket, Peer>();
  const callers = new WeakMap<Socket, Caller>();
  /** Once for a connection: who made it is who it belongs to. */
  const peerOf = (socket: Socket): Peer | undefined => {
    const peer = peers.get(socket) ?? attempt(() => readPeer?.(descriptorOf(socket)));
    if (peer) peers.set(socket, peer);
    return peer;
  };
  return {
    of({ socket, headers }) {
      const client = clientName(headers);
      const known = callers.get(socket);
      if (known?.client === client) return known;
      const caller = { ...UNKNOWN, ...peerOf(socket), client };
      callers.set(socket, caller);
      return caller;
    },
    refusalOf({ socket }) {
      if (!readPeer) return undefined;
      const uid = peerOf(socket)?.uid;
      if (uid === ownUid || uid === ROOT_UID) return undefined;
      return new AuthError(
        "ERR_CALLER_REFUSED",
        `Refused: this daemon serves uid ${ownUid}, and you are uid ${uid ?? "unknown"}. Run a daemon of your own: \`codex-auth daemon start\`.`,
      );
    },
  };
}

/** A connection that is gone has no peer any more. */
function attempt(read: () => Peer | undefined): Peer | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Node has no public way to the descriptor of a socket. It is −1 once the connection is gone. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}

function clientName(headers: IncomingHttpHeaders): string | null {
  const name = headers[CLIENT_HEADER];
  return typeof name === "string" && CLIENT_NAME.test(name) ? name : null;
}
