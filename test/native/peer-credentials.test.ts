import { once } from "node:events";
import { closeSync, openSync, realpathSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import t from "tap";
import { openPeerCredentials } from "#daemon/native/peer-credentials.js";
import { processIdentity } from "#daemon/native/process-identity.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

t.test("the kernel says which user and process connected", async (t) => {
  const credentialsOf = openPeerCredentials();
  const path = join(temporaryFolder(t), "s");
  const server = createServer().listen(path);
  await once(server, "listening");
  const client = connect(path);
  const socket: Socket & { _handle?: { fd: number } } = (await once(server, "connection"))[0];
  t.same(credentialsOf?.(socket._handle?.fd ?? -1), { uid: process.geteuid?.(), pid: process.pid });
  client.destroy();
  server.close();
});

t.test("what is no socket is an error with a name", async (t) => {
  const credentialsOf = openPeerCredentials();
  const descriptor = openSync("/dev/null", "r");
  t.throws(() => credentialsOf?.(descriptor), { code: "ENOTSOCK" });
  closeSync(descriptor);
  t.throws(() => credentialsOf?.(-1), { code: "EBADF" });
});

t.test("macOS: the user is the second word of xucred, the process an option of its own", async (t) => {
  const words = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
  const credentialsOf = openPeerCredentials("darwin", (descriptor, { level, name }) => {
    t.same([descriptor, level], [7, 0]);
    return name === 1 ? words(0, 501, 1) : words(4_242);
  });
  t.same(credentialsOf?.(7), { uid: 501, pid: 4_242 });
});

t.test("without koffi, and on a system of another kind, there is nobody to ask", async (t) => {
  t.equal(openPeerCredentials("win32"), undefined);
  t.equal(openPeerCredentials("linux", undefined) === undefined, false, "koffi is there in development");
});

t.test("a process is known by its start and its program", async (t) => {
  const { startTicks, executable } = processIdentity(process.pid);
  t.ok(startTicks && startTicks > 0);
  t.equal(executable, realpathSync(process.execPath));
  t.same(processIdentity(2 ** 30), { startTicks: null, executable: null });
});
