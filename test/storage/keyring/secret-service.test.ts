import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { sessionBusPath } from "#daemon/storage/keyring/dbus-connection.js";
import { createSecretService } from "#daemon/storage/keyring/secret-service.js";
import { createManualClock } from "../../helpers/manual-clock.js";
import { temporaryFolder } from "../../helpers/temp-folder.js";

const UNAVAILABLE = { code: "ERR_STORAGE_UNAVAILABLE", message: /There is no keyring/ };

const HANG_UP = Buffer.alloc(0);

/** The error message that answers the first call of a connection. */
function errorReply(errorName: string): Buffer {
  const name = Buffer.from(`\u0004\u0001s\0${String.fromCharCode(errorName.length)}\0\0\0${errorName}\0`);
  const fields = Buffer.concat([
    name,
    Buffer.alloc(-name.length & 7),
    Buffer.from("\u0005\u0001u\0\u0001\0\0\0"),
  ]);
  const header = Buffer.from("l\u0003\0\u0001\0\0\0\0\u0001\0\0\0\0\0\0\0");
  header.writeUInt32LE(fields.length, 12);
  return Buffer.concat([header, fields]);
}

/** A bus that says `answers`, one for each thing that it is told, and then nothing more. */
async function startBus(t: Test, answers: readonly (string | Buffer)[]): Promise<NodeJS.ProcessEnv> {
  const folder = temporaryFolder(t);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const left = [...answers];
    socket
      .on("error", () => {})
      .on("data", () => {
        const answer = left.shift() ?? "";
        if (answer === HANG_UP) socket.end();
        else socket.write(answer);
      });
  });
  server.listen(join(folder, "bus"));
  await once(server, "listening");
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { XDG_RUNTIME_DIR: folder };
}

t.test("the D-Bus library is loaded by the first who needs it", async (t) => {
  const { cache } = createRequire(import.meta.url);
  const isLoaded = (): boolean =>
    Object.keys(cache).some((path) => path.includes("/node_modules/dbus-native/"));
  const secrets = createSecretService(systemClock, await startBus(t, ["REJECTED EXTERNAL\r\n"]));
  t.equal(isLoaded(), false);
  await t.rejects(secrets.load("a"));
  t.equal(isLoaded(), true);
});

t.test("a bus that does not accept this user", async (t) => {
  const env = await startBus(t, ["REJECTED EXTERNAL\r\n"]);
  await t.rejects(createSecretService(systemClock, env).load("a"), UNAVAILABLE);
});

t.test("a bus that refuses the greeting, or hangs up in the middle of it", async (t) => {
  const refused = await startBus(t, ["OK 0123\r\n", errorReply("org.freedesktop.DBus.Error.AccessDenied")]);
  await t.rejects(createSecretService(systemClock, refused).load("a"), {
    code: "ERR_STORAGE_UNAVAILABLE",
    message: /refused \(org\.freedesktop\.DBus\.Error\.AccessDenied\)/,
  });
  const hungUp = await startBus(t, ["OK 0123\r\n", HANG_UP]);
  await t.rejects(createSecretService(systemClock, hungUp).load("a"), UNAVAILABLE);
});

for (const [what, bytes] of [
  ["another byte order", Buffer.from(`B${"\0".repeat(40)}`)],
  ["a message of 4 GiB", Buffer.concat([Buffer.from("l\u0002\0\u0001"), Buffer.alloc(16, 0xff)])],
  [
    "header fields that end too late",
    Buffer.from(`l\u0002\0\u0001${"\0".repeat(8)}\u0008\0\0\0\u0001\u0001s\0d\0\0\0`),
  ],
] as const) {
  t.test(`a bus that answers with ${what}`, async (t) => {
    const env = await startBus(t, ["OK 0123\r\n", bytes]);
    await t.rejects(createSecretService(systemClock, env).load("a"), UNAVAILABLE);
  });
}

t.test("a bus that goes silent is given up at the deadline", async (t) => {
  const clock = createManualClock();
  const env = await startBus(t, ["OK 0123\r\n"]);
  const loading = createSecretService(clock, env).load("a");
  loading.catch(() => {});
  await clock.advance(4_999);
  const first = await Promise.race([
    loading.catch(() => "over"),
    new Promise((r) => setImmediate(r, "waits")),
  ]);
  t.equal(first, "waits");
  await clock.advance(1);
  await t.rejects(loading, { code: "ERR_STORAGE_UNAVAILABLE", message: /did not answer within 5 seconds/ });
});

t.test("the session bus is where its address says, else where systemd has it", async (t) => {
  const runtime = { XDG_RUNTIME_DIR: "/run/user/1" };
  const at = (address: string) => sessionBusPath({ ...runtime, DBUS_SESSION_BUS_ADDRESS: address });
  t.equal(sessionBusPath({}), undefined);
  t.equal(sessionBusPath(runtime), "/run/user/1/bus");
  t.equal(at("unix:path=/a/b,guid=0123"), "/a/b");
  t.equal(at("unix:path=/a%20b"), "/a b");
  t.equal(at("tcp:host=h,port=1;unix:runtime=yes"), "/run/user/1/bus");
  t.equal(at("unix:abstract=/tmp/x"), undefined);
  t.equal(at("unix:abstract=/tmp/x;unix:path=/a"), "/a");
  t.equal(at("nonsense"), undefined);
});
