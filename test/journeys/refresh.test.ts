import t, { type Test } from "tap";
import { fingerprint } from "#client/index.js";
import { writeAgedLogin } from "../helpers/aged-login.js";
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from "../helpers/authorization-server.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { until } from "../helpers/until.js";

const CLI_CALLERS = 10;
const LIBRARY_CALLERS = 20;

async function setUp(t: Test, options: AuthorizationServerOptions = {}) {
  const issuer = await startAuthorizationServer(t, options);
  const daemon = await startDaemon(t, { issuer });
  return { issuer, daemon };
}

/** What stands in auth.json is what the issuer handed out last, and nothing was presented twice. */
function assertNewestStored(t: Test, issuer: AuthorizationServer, daemon: Daemon): void {
  const { access_token, refresh_token } = readAuthJson(daemon.codexHome).tokens;
  const [family] = issuer.families;
  t.equal(refresh_token, family?.refreshTokens.at(-1)?.value);
  t.equal(access_token, family?.accessTokens.at(-1)?.value);
  t.strictSame([issuer.reuses, issuer.violations], [0, []]);
}

t.test("a token is refreshed ahead of time, and nobody has to ask", async (t) => {
  const { issuer, daemon } = await setUp(t, { accessTokenLifetimeSeconds: 3600 });
  const old = writeAgedLogin(daemon.codexHome, issuer, 1900);
  await until("the token is another one", () => readAuthJson(daemon.codexHome).tokens.access_token !== old);
  t.match(issuer.requestsTo("refresh"), [{ parsed: { refresh_reason: "proactive_expiry" }, status: 200 }]);
  t.ok(issuer.isAccessTokenValid(old), "the old one would have been good for half an hour");
  t.equal((await daemon.cli(["token"])).stdout.trim(), readAuthJson(daemon.codexHome).tokens.access_token);
  assertNewestStored(t, issuer, daemon);
});

t.test("short-lived tokens are refreshed one after another", async (t) => {
  const { issuer, daemon } = await setUp(t, { accessTokenLifetimeSeconds: 4 });
  writeLogin(daemon.codexHome, issuer);
  await until("two exchanges have passed", () => issuer.exchanges >= 2);
  issuer.accessTokenLifetimeSeconds = 3600;
  const token = (await daemon.cli(["token"])).stdout.trim();
  t.ok(issuer.families[0]?.accessTokens.some(({ value }) => value === token));
  t.equal(issuer.families.length, 1);
  t.strictSame([issuer.reuses, issuer.violations], [0, []]);
});

t.test("everybody who comes at an expiry shares one exchange", async (t) => {
  const { issuer, daemon } = await setUp(t);
  const hold = issuer.hold("refresh");
  const old = writeAgedLogin(daemon.codexHome, issuer, 7200);
  await hold.arrived;
  const commands = Array.from({ length: CLI_CALLERS }, () => daemon.startCli(["token"]));
  const clients = Array.from({ length: LIBRARY_CALLERS }, () => daemon.client());
  const answers = clients.map((client) => client.getAccessToken({ codexHome: daemon.codexHome }));
  // The library's calls are in work as soon as a later one is answered on the same loop.
  await daemon.client().getDaemonStatus();
  hold.release();
  const runs = await Promise.all(commands.map(({ ended }) => ended));
  const tokens = await Promise.all(answers);
  const { access_token: fresh } = readAuthJson(daemon.codexHome).tokens;
  t.not(fresh, old);
  t.ok(runs.every(({ code, stdout }) => code === 0 && stdout.trim() === fresh));
  t.ok(tokens.every(({ accessToken }) => accessToken === fresh));
  t.equal(issuer.requestsTo("refresh").length, 1);
  t.comment(`${runs.length} processes and ${tokens.length} library clients, ${issuer.exchanges} exchange`);
  assertNewestStored(t, issuer, daemon);
});

t.test("everybody who was refused the same token shares one exchange", async (t) => {
  const { issuer, daemon } = await setUp(t);
  writeLogin(daemon.codexHome, issuer);
  await until("the login is seen", async () => (await daemon.cli(["status"])).code === 0);
  const hold = issuer.hold("refresh");
  const clients = Array.from({ length: LIBRARY_CALLERS }, () => daemon.client());
  const rejectedToken = fingerprint(readAuthJson(daemon.codexHome).tokens.access_token);
  const answers = clients.map((client) =>
    client.getAccessToken({ codexHome: daemon.codexHome, rejectedToken }),
  );
  await hold.arrived;
  hold.release();
  const tokens = await Promise.all(answers);
  const { access_token: fresh } = readAuthJson(daemon.codexHome).tokens;
  t.ok(tokens.every(({ accessToken }) => accessToken === fresh));
  t.match(issuer.requestsTo("refresh"), [{ parsed: { refresh_reason: "unauthorized_recovery" } }]);
  t.equal(issuer.requestsTo("refresh").length, 1);
  assertNewestStored(t, issuer, daemon);
});

t.test("a caller who leaves does not take the refresh with him that he began", async (t) => {
  const { issuer, daemon } = await setUp(t);
  writeLogin(daemon.codexHome, issuer);
  const { codexHome } = daemon;
  const hold = issuer.hold("refresh");
  const leaving = new AbortController();
  const left = daemon.client().refresh({ codexHome, signal: leaving.signal });
  await hold.arrived;
  const rejectedToken = fingerprint(readAuthJson(codexHome).tokens.access_token);
  const stays = daemon.client().getAccessToken({ codexHome, rejectedToken });
  leaving.abort();
  await t.rejects(left, { name: "AbortError" });
  // When a later call is answered, the daemon knows that he has gone.
  await daemon.client().getDaemonStatus();
  hold.release();
  t.equal((await stays).accessToken, readAuthJson(codexHome).tokens.access_token);
  t.equal(issuer.requestsTo("refresh").length, 1);
  assertNewestStored(t, issuer, daemon);
});

t.test("an issuer in trouble costs nobody a token that is still valid", async (t) => {
  const { issuer, daemon } = await setUp(t);
  issuer.failNext("refresh", { kind: "status", status: 503 });
  const old = writeAgedLogin(daemon.codexHome, issuer, 1900);
  await until("the failure is known", async () => {
    const { stdout } = await daemon.cli(["status", "--json"]);
    return JSON.parse(stdout).lastError?.code === "ERR_ISSUER_UNAVAILABLE" || issuer.exchanges > 0;
  });
  t.equal(issuer.requestsTo("refresh")[0]?.status, 503);
  const { code, stdout } = await daemon.cli(["token"]);
  t.equal(code, 0);
  t.ok([old, readAuthJson(daemon.codexHome).tokens.access_token].includes(stdout.trim()));
  await until("it is tried again, and works", () => issuer.exchanges === 1);
  await until("the token is stored", () => readAuthJson(daemon.codexHome).tokens.access_token !== old);
  assertNewestStored(t, issuer, daemon);
});

t.test("a revoked login is reported with its true reason, and the issuer is asked once", async (t) => {
  const { issuer, daemon } = await setUp(t);
  writeLogin(daemon.codexHome, issuer);
  issuer.revokeEverything();
  for (let count = 0; count < 3; count++) {
    const refused = await daemon.cli(["refresh"]);
    t.equal(refused.code, 3);
    t.match(refused.stderr, /ERR_REFRESH_REJECTED[\s\S]*revoked[\s\S]*codex-auth login/);
  }
  const status = await daemon.cli(["status"]);
  t.equal(status.code, 3);
  t.match(status.stdout, /^The login has ended\. .*revoked/);
  t.equal((await daemon.cli(["token"])).code, 0, "an access token is served to its end");
  t.equal(issuer.requestsTo("refresh").length, 1);
});

t.test("nobody gets the expired token of a revoked login, and the issuer is asked once", async (t) => {
  const { issuer, daemon } = await setUp(t);
  writeAgedLogin(daemon.codexHome, issuer, 7200);
  issuer.revokeEverything();
  for (let count = 0; count < 3; count++) {
    const { code, stdout, stderr } = await daemon.cli(["token"]);
    t.strictSame({ code, stdout }, { code: 3, stdout: "" });
    t.match(stderr, /codex-auth login/);
  }
  await until("the refusal is known", async () =>
    (await daemon.cli(["token"])).stderr.includes("ERR_REFRESH_REJECTED"),
  );
  t.equal(issuer.requestsTo("refresh").length, 1);
});
