/** One connection to the session bus, for some calls: no signals, no objects of ours, nothing that outlives it. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import {
  type DbusCall,
  type DbusMessage,
  decodeMessage,
  ERROR,
  encodeCall,
  METHOD_RETURN,
  messageSize,
} from "./dbus-message.js";
import type { DbusReader } from "./dbus-wire.js";

export interface DbusConnection {
  /**
   * @returns a reader at the first value of the answer
   * @throws DbusError when the other side, or the bus in its place, answers with an error
   * @throws Error when the connection ends first
   */
  call(call: DbusCall): Promise<DbusReader>;
}

/** An error answer. The text of the other side is left out: nobody knows what it quotes. */
export class DbusError extends Error {
  override readonly name = "DbusError";
  /** Such as `org.freedesktop.DBus.Error.ServiceUnknown`. */
  readonly errorName: string;

  constructor(errorName: string) {
    super(`D-Bus answered ${errorName}`);
    this.errorName = errorName;
  }
}

interface Waiter {
  readonly resolve: (body: DbusReader) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The socket of the session bus: the first Unix-domain one of `DBUS_SESSION_BUS_ADDRESS`, else where systemd has it;
 * `undefined` without either. Abstract names are left out: Node 20 cannot connect to one.
 */
export function sessionBusPath(env: NodeJS.ProcessEnv): string | undefined {
  const inRuntimeFolder = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, "bus") : undefined;
  if (!env.DBUS_SESSION_BUS_ADDRESS) return inRuntimeFolder;
  for (const address of env.DBUS_SESSION_BUS_ADDRESS.split(";")) {
    if (!address.startsWith("unix:")) continue;
    const keys = new Map(address.slice("unix:".length).split(",").map(keyAndValue));
    if (keys.has("path")) return keys.get("path");
    if (keys.get("runtime") === "yes") return inRuntimeFolder;
  }
  return undefined;
}

function keyAndValue(pair: string): [key: string, value: string] {
  const [key = "", value = ""] = pair.split("=", 2);
  return [key, decodeURIComponent(value)];
}

/**
 * Connects, proves who we are by the kernel's word (SASL EXTERNAL), and greets the bus. The connection lasts until `signal`
 * aborts, which rejects every call that waits.
 * @throws Error when nobody listens there or the bus refuses us
 */
export async function connectToDbus(path: string, signal: AbortSignal): Promise<DbusConnection> {
  const socket = createConnection({ path });
  socket.on("error", () => {}); // It is reported by what waits for the socket.
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  await once(socket, "connect", { signal });
  await authenticate(socket, signal);
  const connection = createCaller(socket);
  await connection.call({
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interfaceName: "org.freedesktop.DBus",
    member: "Hello",
  });
  return connection;
}

async function authenticate(socket: Socket, signal: AbortSignal): Promise<void> {
  const uid = Buffer.from(String(process.getuid?.() ?? "")).toString("hex");
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  let answer = "";
  while (!answer.endsWith("\r\n")) {
    const [chunk] = (await once(socket, "data", { signal })) as [Buffer];
    answer += chunk.toString("latin1");
  }
  if (!answer.startsWith("OK ")) throw new Error("The session bus did not accept this user");
  socket.write("BEGIN\r\n");
}

function createCaller(socket: Socket): DbusConnection {
  const waiters = new Map<number, Waiter>();
  let serial = 0;
  let received: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    try {
      received = deliver(Buffer.concat([received, chunk]), waiters);
    } catch {
      socket.destroy();
    }
  });
  socket.on("close", () => {
    for (const { reject } of waiters.values()) reject(new Error("The session bus closed the connection"));
  });
  return {
    call(call) {
      serial += 1;
      const message = encodeCall(call, serial);
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error("The connection to the session bus is closed"));
        waiters.set(serial, { resolve, reject });
        socket.write(message);
      });
    },
  };
}

/** Hands every whole message to whom it answers; returns the beginning of the next one. */
function deliver(received: Buffer, waiters: Map<number, Waiter>): Buffer {
  let rest = received;
  for (let size = messageSize(rest); size !== undefined && size <= rest.length; size = messageSize(rest)) {
    settle(decodeMessage(rest.subarray(0, size)), waiters);
    rest = rest.subarray(size);
  }
  return rest;
}

function settle({ type, replySerial = 0, errorName, body }: DbusMessage, waiters: Map<number, Waiter>): void {
  const waiter = waiters.get(replySerial);
  if (!waiter || (type !== METHOD_RETURN && type !== ERROR)) return;
  waiters.delete(replySerial);
  if (type === ERROR) waiter.reject(new DbusError(errorName ?? "an error without a name"));
  else waiter.resolve(body);
}
