/** App-servers that somebody else runs: the real one over ws:// and unix://. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { connectRemoteAppServer, type RemoteOptions } from "#client/app-server/index.js";
import { CLIENT_INFO, createHost, externalTokensOf, runTurn } from "../helpers/hosted-app-server.js";
import { writeLogin } from "../helpers/logins.js";
import { createScene } from "../helpers/real-codex-scene.js";
import { freePort, serve, serveOnPort } from "../helpers/remote-app-server.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

const scene = await createScene(t);
writeLogin(scene.codex.path, scene.issuer);
const daemon = await scene.startDaemon();
const { auth, createHome } = createHost(t, scene, daemon);
const external = externalTokensOf(scene.codex.path);

async function connectTo(t: Test, options: Partial<RemoteOptions> & { url: string }) {
  const server = await connectRemoteAppServer({ clientInfo: CLIENT_INFO, auth, ...external, ...options });
  t.teardown(() => server.close());
  return server;
}

t.test("persistent mode is refused by name, and so is another scheme", async (t) => {
  const persistent = { clientInfo: CLIENT_INFO, auth, url: "ws://127.0.0.1:1" };
  await t.rejects(connectRemoteAppServer(persistent), { name: "TypeError", message: /persistent mode/ });
  await t.rejects(connectTo(t, { url: "http://127.0.0.1:1" }), {
    name: "TypeError",
    message: /ws:\/\/…, wss:\/\/… or unix:/,
  });
});

t.test("nobody there is said, with what to do", async (t) => {
  const url = `ws://127.0.0.1:${await freePort()}/?secret=x`;
  await t.rejects(connectTo(t, { url }), {
    code: "ERR_APP_SERVER_NOT_STARTED",
    message: /ECONNREFUSED.*--listen/,
  });
  await t.rejects(connectTo(t, { url }), { message: /^(?!.*secret=x)/ });
});

t.test("ws://, with the server's capability token", async (t) => {
  const home = await createHome();
  const tokenFile = join(temporaryFolder(t), "token");
  writeFileSync(tokenFile, "a-capability-token", { mode: 0o600 });
  const port = await serveOnPort(t, home, ["--ws-auth", "capability-token", "--ws-token-file", tokenFile]);
  const url = `ws://127.0.0.1:${port}`;
  await t.rejects(connectTo(t, { url }), { code: "ERR_APP_SERVER_NOT_STARTED", message: /401.*`token`/ });
  const server = await connectTo(t, { url, token: "a-capability-token" });
  t.match(await runTurn(server), { status: "completed", text: "Hello from loopback." });
  t.notOk(readdirSync(home.path).includes("auth.json"));
  await server.close();
  t.match(server.end, { message: /was closed/ });
});

t.test(
  "several clients at one server: ours answers its requests, and none lets one end in an error",
  async (t) => {
    const home = await createHome();
    const url = `ws://127.0.0.1:${await serveOnPort(t, home)}`;
    const [first, second] = [await connectTo(t, { url }), await connectTo(t, { url })];
    const exchanges = scene.issuer.exchanges;
    const { accessToken } = await auth.getAccessToken({ codexHome: scene.codex.path });
    scene.issuer.rejectAccessToken(accessToken);
    t.match(await runTurn(first), { status: "completed" });
    t.match(await runTurn(second), { status: "completed" });
    t.equal(scene.issuer.exchanges, exchanges + 1);
  },
);

t.test("unix://", async (t) => {
  const home = await createHome();
  const path = join(home.path, "tmp", "s.sock");
  await serve(t, home, ["--listen", `unix://${path}`]);
  await until("the app-server listens", () => existsSync(path));
  const server = await connectTo(t, { url: `unix://${path}` });
  t.match(await runTurn(server), { status: "completed", text: "Hello from loopback." });
});

t.test("a server that goes away ends the connection, and what waits is told", async (t) => {
  const home = await createHome();
  const port = await freePort();
  const remote = await serve(t, home, ["--listen", `ws://127.0.0.1:${port}`]);
  const url = `ws://127.0.0.1:${port}`;
  let server: Awaited<ReturnType<typeof connectTo>> | undefined;
  await until("it takes a connection", async () => {
    server = await connectTo(t, { url }).catch(() => undefined);
    return server !== undefined;
  });
  remote.kill("SIGKILL");
  await until("it is told", () => server?.end !== null);
  await t.rejects(async () => server?.request("account/read", {}), {
    code: "ERR_APP_SERVER_ENDED",
    message: /Connect again/,
  });
});
