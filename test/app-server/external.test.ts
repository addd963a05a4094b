/** Children with external tokens, on the real `codex app-server`: nothing of the login is in their Codex home. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { AuthFailure } from "#client/app-server/index.js";
import { createTestUser } from "../helpers/authorization-server.js";
import { createHost, externalTokensOf, runTurn } from "../helpers/hosted-app-server.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createScene, modelCalls } from "../helpers/real-codex-scene.js";
import { until } from "../helpers/until.js";

/** Ends after all time that a `Date` can hold, so that every token is taken to end at the same moment. */
const ENDLESS_SECONDS = 9e12;

async function sceneWithLogin(t: Test, accessTokenLifetimeSeconds = 3600) {
  const scene = await createScene(t);
  scene.issuer.accessTokenLifetimeSeconds = accessTokenLifetimeSeconds;
  writeLogin(scene.codex.path, scene.issuer);
  const daemon = await scene.startDaemon();
  return { scene, daemon, host: createHost(t, scene, daemon), external: externalTokensOf(scene.codex.path) };
}

async function connectExternal(t: Test, accessTokenLifetimeSeconds?: number) {
  const { scene, daemon, host, external } = await sceneWithLogin(t, accessTokenLifetimeSeconds);
  const home = await host.createHome();
  const server = await host.connect({ home, ...external });
  const failures: AuthFailure[] = [];
  server.on("authFailure", (failure) => failures.push(failure));
  return { scene, daemon, host, server, childHome: home.path, failures };
}

function textsIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => readFileSync(join(folder, name), "latin1"));
}

t.test("external tokens need the experimental methods, and say so before anything is started", async (t) => {
  const { host } = await sceneWithLogin(t);
  const wish = { command: "/nonexistent/codex", oauth: { storage: "memory" } } as const;
  await t.rejects(host.connect(wish), { name: "TypeError", message: /experimentalApi: true/ });
});

t.test("a turn runs on external tokens, and nothing of the login is in the child's Codex home", async (t) => {
  const { scene, server, childHome } = await connectExternal(t);
  t.match(await server.request("account/read", {}), {
    account: { type: "chatgpt", email: "me@example.com" },
  });
  t.match(await runTurn(server), { status: "completed", text: "Hello from loopback." });
  const { tokens } = readAuthJson(scene.codex.path);
  t.same(modelCalls(scene.backend), [[tokens.access_token, tokens.account_id, 200]]);
  await server.close();
  t.notOk(readdirSync(childHome).includes("auth.json"));
  const texts = textsIn(childHome);
  t.ok(texts.length > 0);
  for (const secret of [tokens.access_token, tokens.refresh_token, tokens.id_token]) {
    t.notOk(texts.some((text) => text.includes(secret)));
  }
});

t.test("a 401 costs one exchange, and the turn goes on with the new token", async (t) => {
  const { scene, server, failures } = await connectExternal(t);
  const before = readAuthJson(scene.codex.path).tokens.access_token;
  t.match(await runTurn(server), { status: "completed" });
  scene.issuer.rejectAccessToken(before);
  t.match(await runTurn(server), { status: "completed" });
  t.equal(scene.issuer.exchanges, 1);
  const after = readAuthJson(scene.codex.path).tokens.access_token;
  t.not(after, before);
  t.equal(modelCalls(scene.backend).at(-1)?.[0], after);
  t.same(failures, []);
});

t.test(
  "a token that the daemon refreshed is pushed to the child before it asks, also if it ends no later",
  async (t) => {
    const { scene, host, server } = await connectExternal(t, ENDLESS_SECONDS);
    const pushed = new Promise<void>((resolve) => {
      server.on("notification", ({ method }) => method === "account/updated" && resolve());
    });
    await host.auth.refresh({ codexHome: scene.codex.path });
    await pushed;
    t.match(await runTurn(server), { status: "completed" });
    const { access_token } = readAuthJson(scene.codex.path).tokens;
    t.equal(modelCalls(scene.backend).at(-1)?.[0], access_token);
    t.equal(scene.issuer.exchanges, 1);
  },
);

t.test("account/logout is not sent: it would delete the auth.json in the child's Codex home", async (t) => {
  const { host, external, scene } = await sceneWithLogin(t);
  const home = await host.createHome();
  writeLogin(home.path, scene.issuer);
  const server = await host.connect({ home, ...external });
  await t.rejects(server.request("account/logout", {}), {
    name: "AppServerError",
    code: -32600,
    message: /delete the auth\.json/,
  });
  t.ok(readdirSync(home.path).includes("auth.json"));
  t.match(await runTurn(server), { status: "completed" });
});

t.test(
  "a refused refresh gives the child its number, the host the words, and the issuer one request",
  async (t) => {
    const { scene, server, failures } = await connectExternal(t);
    scene.issuer.revokeEverything();
    const { status, error } = await runTurn(server);
    t.equal(status, "failed");
    t.equal(error?.message, "auth refresh request failed: code=1016");
    t.equal(scene.issuer.requestsTo("refresh").length, 1);
    t.match(failures, [
      {
        code: "ERR_REFRESH_REJECTED",
        number: 1016,
        retryable: false,
        message: /codex-auth login|Log in again/,
      },
    ]);
  },
);

t.test("a logout is told to the host; the child gets an error at once", async (t) => {
  const { scene, host, server, failures } = await connectExternal(t);
  await host.auth.logout({ codexHome: scene.codex.path });
  await until("the host is told", () => failures.length > 0);
  t.match(failures, [{ code: "ERR_LOGIN_REQUIRED", message: /logged out.*Log in again/ }]);
  scene.backend.rejectNext(100);
  const { status, error } = await runTurn(server);
  t.equal(status, "failed");
  t.equal(error?.message, `auth refresh request failed: code=${failures[0]?.number}`);
});

t.test("another account is not handed to the child", async (t) => {
  const { scene, server, failures } = await connectExternal(t);
  const other = createTestUser({ email: "other@example.com", accountId: "acct-other" });
  (scene.issuer.users as unknown[]).push(other);
  writeLogin(scene.codex.path, scene.issuer, other);
  await until("the host is told", () => failures.length > 0);
  t.match(failures, [{ code: "ERR_ACCOUNT_MISMATCH", message: /Another account/ }]);
  scene.backend.rejectNext(100);
  const { status } = await runTurn(server);
  t.equal(status, "failed");
  const tokens = modelCalls(scene.backend).map(([token]) => token);
  t.notOk(tokens.includes(readAuthJson(scene.codex.path).tokens.access_token));
});

t.test("with autoRefresh false the host is asked, and its answer is used", async (t) => {
  const { scene, host, external } = await sceneWithLogin(t);
  const home = await host.createHome();
  const server = await host.connect({ home, ...external, oauth: { ...external.oauth, autoRefresh: false } });
  const asked: unknown[] = [];
  server.handle("account/chatgptAuthTokens/refresh", async (params) => {
    asked.push(params);
    const status = await host.auth.refresh({ codexHome: scene.codex.path });
    const { accessToken, accountId } = await host.auth.getAccessToken({ codexHome: scene.codex.path });
    t.equal(status.state, "active");
    return { accessToken, chatgptAccountId: accountId, chatgptPlanType: null };
  });
  scene.backend.rejectNext(1);
  t.match(await runTurn(server), { status: "completed" });
  t.match(asked, [{ reason: "unauthorized" }]);
  t.equal(modelCalls(scene.backend).at(-1)?.[0], readAuthJson(scene.codex.path).tokens.access_token);
});

t.test("a login in the daemon's memory serves a child, and leaves nothing on disk", async (t) => {
  const scene = await createScene(t);
  const daemon = await scene.startDaemon();
  const host = createHost(t, scene, daemon);
  const server = await host.connect({
    experimentalApi: true,
    oauth: {
      storage: "memory",
      sessionName: "work",
      flow: "device",
      onAuthorization: (pending) => {
        if (pending.flow === "device") scene.issuer.approveDevice(pending.userCode);
      },
    },
  });
  t.match(server.session, { storage: "memory", sessionName: "work" });
  t.match(await runTurn(server), { status: "completed" });
  t.notOk(readdirSync(scene.codex.path).includes("auth.json"));
  const failures: AuthFailure[] = [];
  server.on("authFailure", (failure) => failures.push(failure));
  await daemon.stop();
  daemon.startProgram();
  await until("the host is told", () => failures.length > 0);
  t.match(failures, [
    { code: "ERR_LOGIN_REQUIRED", message: /memory login ends with the daemon.*connect a new app-server/ },
  ]);
});

t.test("without a daemon the child gets an error in time, and the host is told to start one", async (t) => {
  const { scene, daemon, server, failures } = await connectExternal(t);
  t.match(await runTurn(server), { status: "completed" });
  await daemon.stop();
  scene.backend.rejectNext(100);
  const { status } = await runTurn(server);
  t.equal(status, "failed");
  t.match(failures, [{ code: "ERR_DAEMON_NOT_RUNNING", number: 1101, message: /codex-auth daemon start/ }]);
});

t.test(
  "a restarted daemon that has not looked at the login yet is no reason to send the host away",
  async (t) => {
    const { scene, daemon, host } = await sceneWithLogin(t);
    const login = await host.createHome();
    writeLogin(login.path, scene.issuer);
    const server = await host.connect({ home: await host.createHome(), ...externalTokensOf(login.path) });
    const failures: AuthFailure[] = [];
    server.on("authFailure", (failure) => failures.push(failure));
    await daemon.stop();
    daemon.startProgram();
    await until("the daemon is asked about it", async () => {
      const sessions = await host.auth.listSessions().catch(() => []);
      return sessions.some(({ codexHome }) => codexHome === login.path);
    });
    t.match(await runTurn(server), { status: "completed" });
    t.same(failures, []);
  },
);

t.test("after a restart of the daemon a login that is kept in a file serves the child on", async (t) => {
  const { scene, daemon, server, failures } = await connectExternal(t);
  await daemon.stop();
  daemon.startProgram();
  scene.backend.rejectNext(1);
  t.match(await runTurn(server), { status: "completed" });
  t.ok(scene.issuer.exchanges <= 1);
  t.same(
    failures.filter(({ retryable }) => !retryable),
    [],
  );
});
