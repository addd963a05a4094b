import { constants } from "node:os";
import koffi from "koffi";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

export interface DatagramSocket {
  /** The oldest datagram that has not been read; `undefined` when there is none. */
  receive(): string | undefined;
}

/** A Unix-domain datagram socket bound to `address`, as a service manager has one; `@` is an abstract name. */
export function bindDatagramSocket(t: { teardown(fn: () => void): void }, address: string): DatagramSocket {
  const library = koffi.load(null);
  const socket = library.func("int socket(int, int, int)");
  const bind = library.func("int bind(int, const void *, uint32_t)");
  const receive = library.func("intptr_t recv(int, void *, size_t, int)");
  const close = library.func("int close(int)");
  const descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);
  const path = address.startsWith("@") ? `\0${address.slice(1)}` : `${address}\0`;
  const name = Buffer.concat([Buffer.from(Uint16Array.of(AF_UNIX).buffer), Buffer.from(path)]);
  if (bind(descriptor, name, name.length) !== 0) throw new Error(`bind failed: errno ${koffi.errno()}`);
  t.teardown(() => close(descriptor));
  return {
    receive() {
      const buffer = Buffer.alloc(4_096);
      const size = Number(receive(descriptor, buffer, buffer.length, MSG_DONTWAIT));
      if (size >= 0) return buffer.toString("utf8", 0, size);
      if (koffi.errno() === constants.errno.EAGAIN) return undefined;
      throw new Error(`recv failed: errno ${koffi.errno()}`);
    },
  };
}
