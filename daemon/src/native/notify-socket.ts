/**
 * A datagram to the Unix-domain socket of a service manager, as sd_notify(3) sends it: Node has no sockets of that kind,
 * so this is done through koffi, which may be absent.
 */
import { createRequire } from "node:module";
import { endianness } from "node:os";

/** <sys/socket.h> on Linux, which is where such service managers are. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** `sun_path` of unix(7). */
const PATH_MAX_BYTES = 108;

export interface NotifySocket {
  /**
   * Sends one datagram, without waiting.
   * @throws Error with the errno's name in `code` when nobody takes it
   */
  send(text: string): void;
}

/**
 * @param address an absolute path, or the name of an abstract socket behind `@`
 * @returns undefined where koffi cannot be loaded, and for an address of another kind (`vsock:`)
 */
export function openNotifySocket(address: string): NotifySocket | undefined {
  const name = socketAddress(address);
  const native = name && load();
  if (!name || !native) return undefined;
  const descriptor = native.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return {
    send(text) {
      const bytes = Buffer.from(text);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      if (native.sendto(descriptor, bytes, bytes.length, flags, name, name.length) >= 0) return;
      throw Object.assign(new Error(`sendto failed: ${native.errorCode()}`), { code: native.errorCode() });
    },
  };
}

/** `struct sockaddr_un`: the family, and the path with a NUL behind it, or before it when the name is abstract. */
function socketAddress(address: string): Buffer | undefined {
  const isAbstract = address.startsWith("@");
  const path = isAbstract ? `\0${address.slice(1)}` : `${address}\0`;
  if (!(isAbstract || address.startsWith("/")) || Buffer.byteLength(path) > PATH_MAX_BYTES) return undefined;
  const family = endianness() === "LE" ? [AF_UNIX, 0] : [0, AF_UNIX];
  return Buffer.concat([Buffer.from(family), Buffer.from(path)]);
}

interface Native {
  socket(domain: number, type: number, protocol: number): number;
  sendto(fd: number, data: Buffer, size: number, flags: number, to: Buffer, toSize: number): number;
  errorCode(): string;
}

function load(): Native | undefined {
  const koffi = loadKoffi();
  // `null` is the running program itself, which has the C library in it.
  const library = koffi?.load(null);
  if (!koffi || !library) return undefined;
  const { errno: numbers } = koffi.os;
  return {
    socket: library.func("int socket(int, int, int)"),
    sendto: library.func("intptr_t sendto(int, const void *, size_t, int, const void *, uint32_t)"),
    errorCode: () => Object.keys(numbers).find((name) => numbers[name] === koffi.errno()) ?? "unknown",
  };
}

function loadKoffi(): typeof import("koffi") | undefined {
  try {
    return createRequire(import.meta.url)("koffi");
  } catch {
    return undefined;
  }
}
