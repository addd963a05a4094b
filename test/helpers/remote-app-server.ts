import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type CodexHome, codexBinary, codexEnvironment } from "./codex.js";
import type { Teardown } from "./daemon-place.js";
import { until } from "./until.js";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The real app-server, which ends with the test. */
export async function serve(t: Teardown, home: CodexHome, args: readonly string[]): Promise<ChildProcess> {
  const server = spawn(codexBinary, ["app-server", ...args], {
    cwd: home.path,
    env: codexEnvironment(home),
    stdio: "ignore",
  });
  t.teardown(async () => {
    const ended = once(server, "close");
    server.kill("SIGKILL");
    if (server.exitCode === null && server.signalCode === null) await ended;
  });
  return server;
}

/** The real app-server on `ws://127.0.0.1` and the port that is answered, once it listens. */
export async function serveOnPort(
  t: Teardown,
  home: CodexHome,
  args: readonly string[] = [],
): Promise<number> {
  const port = await freePort();
  await serve(t, home, ["--listen", `ws://127.0.0.1:${port}`, ...args]);
  await until("the app-server listens", async () => {
    const socket = connect(port, "127.0.0.1");
    const isThere = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    return isThere;
  });
  return port;
}
