import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "node:tls";
import t from "tap";
import { connectRemoteAppServer } from "#client/app-server/index.js";
import { CLIENT_INFO, createHost, externalTokensOf, runTurn } from "../helpers/hosted-app-server.js";
import { writeLogin } from "../helpers/logins.js";
import { createScene } from "../helpers/real-codex-scene.js";
import { serveOnPort } from "../helpers/remote-app-server.js";
import { requireTools } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { createTlsCertificate } from "../helpers/tls-certificate.js";

requireTools("openssl");

t.test("a remote app-server behind a TLS front with a CA of its own", async (t) => {
  const scene = await createScene(t);
  writeLogin(scene.codex.path, scene.issuer);
  const { auth, createHome } = createHost(t, scene, await scene.startDaemon());
  const port = await serveOnPort(t, await createHome());
  const { key, cert, ca } = createTlsCertificate("127.0.0.1", temporaryFolder(t));
  const front = createServer({ key, cert }, (outside) => {
    const inside = connect(port, "127.0.0.1");
    outside.pipe(inside).pipe(outside);
    for (const socket of [outside, inside]) socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(front, "listening");
  t.teardown(() => front.close());
  const url = `wss://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const options = { clientInfo: CLIENT_INFO, auth, url, ...externalTokensOf(scene.codex.path) };
  await t.rejects(connectRemoteAppServer(options), {
    code: "ERR_APP_SERVER_NOT_STARTED",
    message: /certificate/,
  });
  const server = await connectRemoteAppServer({ ...options, ca });
  t.match(await runTurn(server), { status: "completed", text: "Hello from loopback." });
  await server.close();
});
