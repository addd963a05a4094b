import { join } from "node:path";
import t from "tap";
import { openNotifySocket } from "#daemon/native/notify-socket.js";
import { bindDatagramSocket } from "../helpers/datagram-socket.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

t.test("an address that is neither a path nor abstract, or too long, is not taken", async (t) => {
  for (const address of ["vsock:2:1234", "relative", "", `/${"x".repeat(107)}`]) {
    t.equal(openNotifySocket(address), undefined, address);
  }
});

t.test("nobody there is an error with a name", async (t) => {
  const path = join(temporaryFolder(t), "notify");
  t.throws(() => openNotifySocket(path)?.send("READY=1"), { code: "ENOENT" });
});

for (const kind of ["a path", "an abstract name"]) {
  t.test(`a datagram arrives whole at ${kind}`, async (t) => {
    const path = join(temporaryFolder(t), "notify");
    const address = kind === "a path" ? path : `@${path}`;
    const manager = bindDatagramSocket(t, address);
    const socket = openNotifySocket(address);
    socket?.send("READY=1\nSTATUS=ä");
    socket?.send("WATCHDOG=1");
    t.equal(manager.receive(), "READY=1\nSTATUS=ä");
    t.equal(manager.receive(), "WATCHDOG=1");
    t.equal(manager.receive(), undefined);
  });
}

t.test("a manager that reads nothing does not hold us up", async (t) => {
  const path = join(temporaryFolder(t), "notify");
  bindDatagramSocket(t, path);
  const socket = openNotifySocket(path);
  t.throws(
    () => {
      for (;;) socket?.send("WATCHDOG=1");
    },
    { code: "EAGAIN" },
  );
});
