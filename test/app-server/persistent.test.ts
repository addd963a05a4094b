/** A child that reads the login in its own Codex home, on the real `codex app-server`. */
import t from "tap";
import { childEnvironment } from "#client/app-server/child-environment.js";
import { createHost, runTurn } from "../helpers/hosted-app-server.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createScene, modelCalls } from "../helpers/real-codex-scene.js";
import { until } from "../helpers/until.js";

t.test("a child has the login of its own Codex home, and runs a turn with it", async (t) => {
  const scene = await createScene(t);
  writeLogin(scene.codex.path, scene.issuer);
  const host = createHost(t, scene, await scene.startDaemon());
  const server = await host.connect({ oauth: { mode: "auto", storage: "file", interactive: false } });
  t.match(server.session, { state: "active", codexHome: scene.codex.path, email: "me@example.com" });
  t.match(server.initialized, { codexHome: scene.codex.path, userAgent: /^a-host\/.*\(a-host; 1\.2\.3\)/ });
  t.match(await server.request("account/read", {}), {
    account: { type: "chatgpt", email: "me@example.com" },
  });
  t.match(await runTurn(server), { status: "completed", text: "Hello from loopback." });
  const { access_token, account_id } = readAuthJson(scene.codex.path).tokens;
  t.same(modelCalls(scene.backend), [[access_token, account_id, 200]]);
  t.equal(scene.issuer.exchanges, 0);
});

t.test("a child takes what the daemon refreshed, and refreshes nothing itself", async (t) => {
  const scene = await createScene(t);
  writeLogin(scene.codex.path, scene.issuer);
  const host = createHost(t, scene, await scene.startDaemon());
  const server = await host.connect();
  await host.auth.refresh({ codexHome: scene.codex.path });
  scene.backend.rejectNext(1);
  t.match(await runTurn(server), { status: "completed" });
  const { access_token } = readAuthJson(scene.codex.path).tokens;
  t.equal(modelCalls(scene.backend).at(-1)?.[0], access_token);
  t.same(
    scene.issuer.requestsTo("refresh").map(({ parsed }) => parsed.refresh_reason),
    ["forced"],
    "one exchange, by the daemon",
  );
});

t.test("the login is made before the child starts, when there is none", async (t) => {
  const scene = await createScene(t);
  const host = createHost(t, scene, await scene.startDaemon());
  const server = await host.connect({
    oauth: {
      flow: "device",
      onAuthorization: (pending) => {
        if (pending.flow === "device") scene.issuer.approveDevice(pending.userCode);
      },
    },
  });
  t.match(await server.request("getAuthStatus", { includeToken: true, refreshToken: null }), {
    authMethod: "chatgpt",
    authToken: readAuthJson(scene.codex.path).tokens.access_token,
  });
});

t.test("without a login and without a person no child is started", async (t) => {
  const scene = await createScene(t);
  const host = createHost(t, scene, await scene.startDaemon());
  const command = "/nonexistent/codex";
  await t.rejects(host.connect({ command, oauth: { interactive: false } }), {
    code: "ERR_LOGIN_NOT_INTERACTIVE",
  });
});

t.test("a login that the child makes by itself is adopted", async (t) => {
  const scene = await createScene(t);
  writeLogin(scene.codex.path, scene.issuer);
  const host = createHost(t, scene, await scene.startDaemon());
  const server = await host.connect();
  await server.request("account/logout", {});
  const started = await server.request("account/login/start" as string, { type: "chatgptDeviceCode" });
  const { userCode } = started as { userCode: string };
  const loggedIn = new Promise<void>((resolve) => {
    server.on("notification", ({ method }) => method === "account/login/completed" && resolve());
  });
  scene.issuer.approveDevice(userCode);
  await loggedIn;
  const { access_token } = readAuthJson(scene.codex.path).tokens;
  await until("the daemon has adopted it", async () => {
    host.auth.clearAccessTokens();
    return (await host.auth.getAccessToken({ codexHome: scene.codex.path })).accessToken === access_token;
  });
  t.match(await host.auth.getStatus({ codexHome: scene.codex.path }), { state: "active", flow: null });
});

t.test("a child is given the CA of its session, unless it names one", async (t) => {
  const network = {
    caCertificateFile: "/etc/corporate.pem",
    caCertificateSource: null,
    proxy: null,
    proxySource: null,
    noProxy: null,
  };
  const session = { network } as Parameters<typeof childEnvironment>[1];
  t.same(childEnvironment({ A: "1" }, session), { A: "1", CODEX_CA_CERTIFICATE: "/etc/corporate.pem" });
  t.same(childEnvironment({ SSL_CERT_FILE: "/own.pem" }, session), { SSL_CERT_FILE: "/own.pem" });
  const without = { network: { ...network, caCertificateFile: null } } as typeof session;
  t.same(childEnvironment({ A: "1" }, without), { A: "1" });
});
