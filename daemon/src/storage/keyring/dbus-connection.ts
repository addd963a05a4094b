/** One connection to the session bus, for some calls: no signals, no objects of ours, nothing that outlives it. */
import { createConnection } from "node:net";
import { join } from "node:path";
import type { DBusError, MessageBus } from "dbus-native";
import type { z } from "zod";

export interface DbusCall<Answer> {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Types of the arguments. Default: there are none. */
  readonly signature?: string;
  readonly body?: unknown[];
  /** The values that a good answer has. */
  readonly answer: z.ZodType<Answer>;
}

export interface DbusConnection {
  /**
   * @throws DbusError when the other side, or the bus in its place, answers with an error
   * @throws Error when the connection ends first, or the answer is not what was expected
   */
  call<Answer>(call: DbusCall<Answer>): Promise<Answer>;
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

/** A login is some kilobytes; whoever sends more than this is not a keyring. The bus itself allows 128 MiB. */
const MESSAGE_MAX_BYTES = 1 << 20;

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
  // Loaded by the first session that is in a keyring: most daemons never have one.
  const { createClient } = await import("dbus-native");
  signal.throwIfAborted();
  const stream = createConnection({ path });
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
  const bus = createClient({
    stream,
    authMethods: ["EXTERNAL"],
    maxMessageSize: MESSAGE_MAX_BYTES,
    variants: "plain",
    // We greet the bus ourselves: the library throws past everybody when the bus refuses its greeting.
    direct: true,
  });
  // The calls that wait are told when the stream is closed; a refused handshake alone leaves it open.
  bus.connection.on("error", () => stream.destroy());
  await invoke(bus, {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
    member: "Hello",
  });
  return {
    call: async ({ answer, ...call }) => answer.parse(await invoke(bus, call)),
  };
}

function invoke(bus: MessageBus, call: Omit<DbusCall<unknown>, "answer">): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    bus.invoke({ ...call }, (error, ...values: unknown[]) => {
      if (error) reject(asError(error));
      else resolve(values);
    });
  });
}

/** What came over the bus has a reply; the library's own errors have none. */
function asError(error: DBusError): Error {
  if (error.reply) return new DbusError(error.dbusName ?? "an error without a name");
  return new Error("The session bus closed the connection", { cause: error });
}
