/** The reverse direction: logins that the real Codex makes and refreshes, and what our daemon does with them. */
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { writeAgedLogin } from "../helpers/aged-login.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { runCodex } from "../helpers/codex.js";
import { headerOf } from "../helpers/issuer/requests.js";
import { readAuthJson } from "../helpers/logins.js";
import { createScene, modelCalls, type Scene } from "../helpers/real-codex-scene.js";
import { until } from "../helpers/until.js";

/** The default of codex-cli: a refresh goes to the issuer that auth.json names. */
const NO_OVERRIDE = { CODEX_REFRESH_TOKEN_URL_OVERRIDE: undefined };

async function logInWithCodex({ issuer, codex }: Scene): Promise<void> {
  issuer.scriptDevicePolls([403, 200]);
  const args = ["login", "--device-auth", "--experimental_issuer", issuer.url];
  const { code, stderr } = await runCodex(args, { home: codex });
  if (code !== 0) throw new Error(`codex login failed:\n${stderr}`);
}

/** Who refreshed, in order: `codex-authd` or the originator of a Codex. */
function refreshers({ issuer }: Scene): string[] {
  return issuer.requestsTo("refresh").map((request) => headerOf(request, "user-agent").split("/")[0] ?? "");
}

t.test("a login of `codex login --device-auth` is shown, served and refreshed", async (t) => {
  const scene = await createScene(t);
  await logInWithCodex(scene);
  const before = readAuthJson(scene.codex.path);
  const daemon = await scene.startDaemon();

  const status = JSON.parse((await daemon.cli(["status", "--json"])).stdout);
  t.match(status, { state: "active", authMode: "chatgpt", email: "me@example.com", planType: "pro" });
  t.match(status, { accountId: "acct-fake-0001", issuer: scene.issuer.url, flow: null, warnings: [] });
  t.equal((await daemon.cli(["token"])).stdout.trim(), before.tokens.access_token);

  t.equal((await daemon.cli(["refresh"])).code, 0);
  const after = readAuthJson(scene.codex.path);
  t.not(after.tokens.access_token, before.tokens.access_token);
  t.not(after.tokens.refresh_token, before.tokens.refresh_token);
  t.strictSame(
    {
      ...after,
      tokens: { ...after.tokens, id_token: 0, access_token: 0, refresh_token: 0 },
      last_refresh: 0,
    },
    {
      ...before,
      tokens: { ...before.tokens, id_token: 0, access_token: 0, refresh_token: 0 },
      last_refresh: 0,
    },
    "nothing else changes",
  );
  t.strictSame(refreshers(scene), ["codex-authd"]);
  t.strictSame(scene.issuer.violations, []);
});

t.test("a login of the app-server appears in a running daemon", async (t) => {
  const scene = await createScene(t);
  const daemon = await scene.startDaemon();
  t.equal((await daemon.cli(["status"])).code, 3);
  const appServer = await scene.startAppServer();
  const { authUrl } = await appServer.request<{ authUrl: string }>("account/login/start", {
    type: "chatgpt",
  });
  await approveLogin(authUrl);
  await appServer.waitFor("account/login/completed", ({ success }) => success === true);

  t.match(JSON.parse((await daemon.cli(["status", "--json"])).stdout), { state: "active", flow: null });
  t.equal((await daemon.cli(["token"])).stdout.trim(), readAuthJson(scene.codex.path).tokens.access_token);
  t.equal(readAuthJson(scene.codex.path).OPENAI_API_KEY, "sk-fake-exchanged-key");
  t.equal((await daemon.cli(["refresh"])).code, 0);
  t.equal(readAuthJson(scene.codex.path).OPENAI_API_KEY, "sk-fake-exchanged-key");
});

t.test(
  "a running app-server takes our token from the file after a 401, and asks the issuer nothing",
  async (t) => {
    const scene = await createScene(t);
    await logInWithCodex(scene);
    const daemon = await scene.startDaemon();
    const appServer = await scene.startAppServer(NO_OVERRIDE);
    const old = readAuthJson(scene.codex.path).tokens.access_token;
    t.match(await appServer.getAuthStatus({ includeToken: true }), { authToken: old });

    t.equal((await daemon.cli(["refresh"])).code, 0);
    scene.issuer.rejectAccessToken(old);
    const { access_token: fresh, account_id: accountId } = readAuthJson(scene.codex.path).tokens;
    t.match(await appServer.runTurn("Hello?"), { status: "completed" });
    t.strictSame(modelCalls(scene.backend), [
      [old, accountId, 401],
      [fresh, accountId, 200],
    ]);
    t.strictSame(refreshers(scene), ["codex-authd"]);
  },
);

t.test("a running app-server takes our token before its own refresh is due", async (t) => {
  const scene = await createScene(t);
  const slackMs = 10_000;
  // Half an hour old and valid for five minutes and some seconds: due for us at once, for Codex after the slack.
  scene.issuer.accessTokenLifetimeSeconds = 2_100 + slackMs / 1000;
  const old = writeAgedLogin(scene.codex.path, scene.issuer, 1_800);
  const dueForCodexAtMs = Date.now() + slackMs;

  const appServer = await scene.startAppServer(NO_OVERRIDE);
  t.match(await appServer.getAuthStatus({ includeToken: true }), { authToken: old });
  await scene.startDaemon();
  await until("we have refreshed", () => readAuthJson(scene.codex.path).tokens.access_token !== old);
  await delay(Math.max(0, dueForCodexAtMs + 1_000 - Date.now()));
  const { access_token: fresh } = readAuthJson(scene.codex.path).tokens;
  t.not(fresh, old);
  t.match(await appServer.getAuthStatus({ includeToken: true }), { authToken: fresh });
  t.strictSame(refreshers(scene), ["codex-authd"]);
});

t.test("a refresh of the app-server is adopted, with and without provenance in the file", async (t) => {
  for (const env of [NO_OVERRIDE, {}]) {
    const scene = await createScene(t);
    await logInWithCodex(scene);
    const daemon = await scene.startDaemon();
    const { access_token: old } = readAuthJson(scene.codex.path).tokens;
    t.equal((await daemon.cli(["token"])).stdout.trim(), old);
    const appServer = await scene.startAppServer(env);
    const { authToken } = await appServer.getAuthStatus({ includeToken: true, refreshToken: true });
    t.not(authToken, old);
    t.match(JSON.parse((await daemon.cli(["status", "--json"])).stdout), { state: "active", warnings: [] });
    t.equal((await daemon.cli(["token"])).stdout.trim(), authToken);
    t.equal((await daemon.cli(["refresh"])).code, 0, "the rotated refresh token was adopted too");
    t.strictSame(refreshers(scene), ["harness", "codex-authd"]);
    t.equal(scene.issuer.reuses, 0);
    await appServer.close();
  }
});

t.test("what Codex does not know survives us, and is put back when its own refresh drops it", async (t) => {
  const scene = await createScene(t);
  await logInWithCodex(scene);
  const document = { ...JSON.parse(readFileSync(scene.codex.authFile, "utf8")), x_ours: { a: 1 } };
  document.tokens.x_inner = "kept";
  writeFileSync(scene.codex.authFile, JSON.stringify(document));
  const unknown = { x_ours: { a: 1 }, tokens: { x_inner: "kept" } };
  const daemon = await scene.startDaemon();
  t.equal((await daemon.cli(["refresh"])).code, 0);
  t.match(readAuthJson(scene.codex.path), unknown);

  const appServer = await scene.startAppServer();
  for (const refresh of ["first", "second"]) {
    const { authToken } = await appServer.getAuthStatus({ includeToken: true, refreshToken: true });
    await until("they are back", () => "x_ours" in readAuthJson(scene.codex.path));
    t.match(readAuthJson(scene.codex.path), {
      ...unknown,
      tokens: { ...unknown.tokens, access_token: authToken },
    });
    t.equal((await daemon.cli(["token"])).stdout.trim(), authToken, `after its ${refresh} refresh`);
  }
  t.strictSame(refreshers(scene), ["codex-authd", "harness", "harness"]);
  t.strictSame(scene.issuer.violations, []);
});

t.test("an issuer that the configuration does not trust is shown and served, and told nothing", async (t) => {
  const scene = await createScene(t);
  await logInWithCodex(scene);
  const elsewhere = await startAuthorizationServer(t);
  const distrustful = await scene.startDaemon({ config: { issuer: elsewhere.url } });
  const status = JSON.parse((await distrustful.cli(["status", "--json"])).stdout);
  t.match(status, { state: "active", email: "me@example.com", nextRefreshAtMs: null });
  t.match(status.warnings, [/not trust/]);
  t.equal((await distrustful.cli(["token"])).code, 0);
  const refused = await distrustful.cli(["refresh"]);
  t.equal(refused.code, 5);
  t.match(refused.stderr, /ERR_ISSUER_NOT_TRUSTED[\s\S]*trusted_issuers/);
  t.strictSame([refreshers(scene), elsewhere.requests.length], [[], 0]);
  await distrustful.stop();

  const config = { issuer: elsewhere.url, trusted_issuers: [scene.issuer.url] };
  const trusting = await scene.startDaemon({ config });
  t.equal((await trusting.cli(["refresh"])).code, 0);
  t.strictSame([refreshers(scene), elsewhere.requests.length], [["codex-authd"], 0]);
});
