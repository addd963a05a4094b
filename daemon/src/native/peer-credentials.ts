/**
 * Who is at the other end of a Unix-domain socket, by the kernel's word: Node does not ask, so this is done through koffi,
 * which may be absent. Linux: SO_PEERCRED of unix(7). macOS: LOCAL_PEERCRED and LOCAL_PEERPID of <sys/un.h>.
 */
import { createRequire } from "node:module";
import { endianness } from "node:os";

/** Who connected. */
export interface PeerCredentials {
  /** Effective user. */
  readonly uid: number;
  readonly pid: number;
}

/** The value of a socket option of `size` bytes; throws with the errno's name in `code`. */
export type SocketOption = (
  descriptor: number,
  option: { level: number; name: number; size: number },
) => Buffer;

/** `struct ucred`: pid, uid, gid. */
const LINUX_CREDENTIALS = { level: 1, name: 17, size: 12 };

/** `struct xucred`: version, uid, number of groups, 16 groups. */
const DARWIN_CREDENTIALS = { level: 0, name: 1, size: 76 };
const DARWIN_PID = { level: 0, name: 2, size: 4 };

/**
 * @returns undefined where koffi cannot be loaded; the function throws an Error with the errno's name in `code` when the
 * kernel does not tell, as of a descriptor that is no socket
 */
export function openPeerCredentials(
  platform: NodeJS.Platform = process.platform,
  socketOption: SocketOption | undefined = load(),
): ((descriptor: number) => PeerCredentials) | undefined {
  if (!socketOption) return undefined;
  if (platform === "linux") return (descriptor) => ofLinux(socketOption(descriptor, LINUX_CREDENTIALS));
  if (platform !== "darwin") return undefined;
  return (descriptor) => ({
    uid: integerAt(socketOption(descriptor, DARWIN_CREDENTIALS), 4),
    pid: integerAt(socketOption(descriptor, DARWIN_PID), 0),
  });
}

function ofLinux(ucred: Buffer): PeerCredentials {
  return { pid: integerAt(ucred, 0), uid: integerAt(ucred, 4) };
}

/** 32 bits, unsigned as `uid_t` is; a pid is positive. */
function integerAt(bytes: Buffer, offset: number): number {
  return endianness() === "LE" ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
}

function load(): SocketOption | undefined {
  const koffi = loadKoffi();
  if (!koffi) return undefined;
  // `null` is the running program itself, which has the C library in it.
  const getsockopt = koffi.load(null).func("int getsockopt(int, int, int, void *, _Inout_ uint32_t *)");
  const { errno: numbers } = koffi.os;
  return (descriptor, { level, name, size }) => {
    const value = Buffer.alloc(size);
    if (getsockopt(descriptor, level, name, value, [size]) === 0) return value;
    const code = Object.keys(numbers).find((known) => numbers[known] === koffi.errno()) ?? "unknown";
    throw Object.assign(new Error(`getsockopt failed: ${code}`), { code });
  };
}

function loadKoffi(): typeof import("koffi") | undefined {
  try {
    return createRequire(import.meta.url)("koffi");
  } catch {
    return undefined;
  }
}
