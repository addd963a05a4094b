/** How a daemon ends, and that a login never ends with it. */
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { until } from "../helpers/until.js";

async function setUp(t: Test) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  writeLogin(daemon.codexHome, issuer);
  t.equal((await daemon.cli(["status"])).code, 0);
  return { issuer, daemon };
}

t.test("a killed daemon comes back with the login and a later generation", async (t) => {
  const { issuer, daemon } = await setUp(t);
  t.equal((await daemon.cli(["refresh"])).code, 0);
  const before = JSON.parse((await daemon.cli(["status", "--json"])).stdout);
  const { access_token: token } = readAuthJson(daemon.codexHome).tokens;
  t.equal(await daemon.stop("SIGKILL"), null);

  const next = await startDaemon(t, { issuer, home: daemon.home });
  t.equal((await next.cli(["token"])).stdout.trim(), token);
  const after = JSON.parse((await next.cli(["status", "--json"])).stdout);
  t.match(after, { state: "active", email: before.email, accountId: before.accountId });
  t.ok(after.generation > before.generation);
  t.equal((await next.cli(["refresh"])).code, 0);
  t.strictSame([issuer.exchanges, issuer.reuses], [2, 0]);
});

for (const afterCommit of [false, true]) {
  const moment = afterCommit ? "answered" : "carried out";
  t.test(`SIGTERM before an exchange is ${moment} stores its result, and exits 0`, async (t) => {
    const { issuer, daemon } = await setUp(t);
    const { access_token: old } = readAuthJson(daemon.codexHome).tokens;
    const hold = issuer.hold("refresh", { afterCommit });
    const refresh = daemon.startCli(["refresh"]);
    await hold.arrived;
    const exitCode = daemon.stop("SIGTERM");
    await stoppingIn(daemon.log);
    hold.release();
    t.equal(await exitCode, 0);
    const [family] = issuer.families;
    t.equal(readAuthJson(daemon.codexHome).tokens.refresh_token, family?.refreshTokens.at(-1)?.value);
    t.not(readAuthJson(daemon.codexHome).tokens.access_token, old);
    t.equal((await refresh.ended).code, 0);
    const next = await startDaemon(t, { issuer, home: daemon.home });
    t.equal((await next.cli(["refresh"])).code, 0);
    t.strictSame([issuer.exchanges, issuer.reuses], [2, 0]);
  });
}

t.test(
  "a daemon killed while the issuer answers knows it afterwards, and presents nothing twice",
  async (t) => {
    const { issuer, daemon } = await setUp(t);
    const { access_token: old } = readAuthJson(daemon.codexHome).tokens;
    const hold = issuer.hold("refresh", { afterCommit: true });
    const refresh = daemon.startCli(["refresh"]);
    await hold.arrived;
    await daemon.stop("SIGKILL");
    hold.release();
    t.equal((await refresh.ended).code, 4);

    const next = await startDaemon(t, { issuer, home: daemon.home });
    t.equal((await next.cli(["token"])).stdout.trim(), old, "the access token is served to its end");
    const refused = await next.cli(["refresh"]);
    t.equal(refused.code, 75);
    t.match(refused.stderr, /ended in the middle of a refresh[\s\S]*may be spent[\s\S]*codex-auth login/);
    t.strictSame([issuer.requestsTo("refresh").length, issuer.reuses], [1, 0]);

    const login = next.startCli(["login", "--browser", "--no-browser", "--json", "--force"]);
    await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl);
    t.equal((await login.ended).code, 0);
    t.equal((await next.cli(["refresh"])).code, 0);
  },
);

t.test("a login that is pending when the daemon stops is told so", async (t) => {
  const { daemon } = await setUp(t);
  const client = daemon.client();
  const { loginId } = await client.beginLogin({ codexHome: daemon.codexHome, flow: "browser" });
  const told = t.rejects(client.awaitLogin({ loginId }), {
    code: "ERR_LOGIN_CANCELLED",
    message: /the daemon is stopping/,
  });
  await daemon.client().getDaemonStatus(); // Sent later, so the wait is known to have begun.
  t.equal(await daemon.stop(), 0);
  await told;
});

/** Returns when the daemon's log says that it is stopping. */
async function stoppingIn(log: () => string): Promise<void> {
  await until("the daemon is stopping", () => log().includes('"daemon.stopping"'));
}

t.test(
  "a login that is pending when the daemon stops is told to those who watch, with what to do",
  async (t) => {
    const { daemon } = await setUp(t);
    const client = daemon.client();
    const events = client.events();
    await events.next();
    const { loginId } = await client.beginLogin({ codexHome: daemon.codexHome, flow: "browser" });
    t.match((await events.next()).value, { type: "login/changed", data: { loginId, state: "pending" } });
    const stopped = daemon.stop();
    t.match((await events.next()).value, {
      type: "login/changed",
      data: {
        loginId,
        state: "failed",
        code: "ERR_LOGIN_CANCELLED",
        message: /the daemon is stopping\. Run `codex-auth login` again/,
      },
    });
    t.equal(await stopped, 0);
  },
);

t.test("a memory login ends with the daemon, which says so before, and the next one knows", async (t) => {
  const { issuer, daemon } = await setUp(t);
  const client = daemon.client();
  const selector = { codexHome: daemon.codexHome, storage: "memory", sessionName: "work" } as const;
  const login = await client.beginLogin({ ...selector, flow: "browser" });
  if (login.flow === "browser") await approveLogin(login.authorizationUrl);
  await client.awaitLogin(login);
  const events = client.events();
  await events.next();
  const stopped = daemon.stop();
  t.match((await events.next()).value, {
    type: "session/changed",
    data: {
      cause: "daemonStopping",
      session: {
        sessionName: "work",
        state: "signedOut",
        reason: /Once it is back, run `codex-auth login --memory work`/,
      },
    },
  });
  t.equal(await stopped, 0);

  const next = await startDaemon(t, { issuer, home: daemon.home });
  const status = await next.cli(["status", "--memory", "work"]);
  t.equal(status.code, 3);
  t.match(status.stdout, /This memory login ended with the daemon that held it\./);
  t.match(await next.cli(["token", "--memory", "work"]), {
    code: 3,
    stderr: /This memory login ended with the daemon that held it\. Run `codex-auth login --memory work`/,
  });
  const other = await next.cli(["status", "--memory", "other"]);
  t.match(other.stdout, /There is no login\./);
  t.match(
    (await next.cli(["token", "--memory", "other"])).stderr,
    /is no login\. Run `codex-auth login --memory other`/,
  );
});
