import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { DIRECT } from "#daemon/net/network-settings.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { loginGrant } from "../helpers/login-grant.js";
import { isWhole, sceneWithLogin, storedToken } from "../helpers/login-scene.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createSessionHarness } from "../helpers/session-harness.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

t.test("a copied Codex home gets the successor, and presents nothing that is spent", async (t) => {
  const scene = await sceneWithLogin(t);
  const { issuer, session, open, home, file } = scene;
  const copy = temporaryFolder(t);
  copyFileSync(file, join(copy, "auth.json"));
  const copied = await open(copy);
  await session.refresh();
  t.match(await copied.refresh(), { state: "active", storageState: "stored" });
  t.equal(storedToken(copy), storedToken(home));
  t.equal(issuer.exchanges, 1);
  t.ok(await isWhole(scene));
});

t.test("a copied Codex home follows at the next look, so that a restart finds nothing spent", async (t) => {
  const { issuer, session, open, home, file } = await sceneWithLogin(t);
  const copy = temporaryFolder(t);
  copyFileSync(file, join(copy, "auth.json"));
  await open(copy);
  await session.refresh();
  await until("the copy has the successor", () => storedToken(copy) === storedToken(home));
  t.equal(issuer.exchanges, 1);
});

t.test("a spent token is followed by its successor also after a login of another account", async (t) => {
  const scene = await sceneWithLogin(t);
  const { session, file, login } = scene;
  const spent = readFileSync(file);
  await session.refresh();
  login(scene.other);
  t.match(await session.freshStatus(), { accountId: "acct-other" });
  writeFileSync(file, spent);
  t.match(await session.freshStatus(), { accountId: "acct-fake-0001" });
  t.ok(await isWhole(scene));
});

t.test("a spent token whose successor nobody knows is served to its end, and not presented", async (t) => {
  const scene = await sceneWithLogin(t);
  const { issuer, session, file, home, sessions } = scene;
  const spent = readFileSync(file);
  const { access_token } = readAuthJson(home).tokens;
  await session.refresh();
  await sessions.close();
  writeFileSync(file, spent);
  const restarted = await scene.restartedBeside().open();
  t.match(restarted.status(), {
    state: "reauthorizationRequired",
    email: "me@example.com",
    reason: /spent or refused before.*codex-auth login/,
  });
  t.match(await restarted.getToken({}), { accessToken: access_token });
  await t.rejects(restarted.refresh(), { code: "ERR_REFRESH_REJECTED" });
  t.equal(issuer.requestsTo("refresh").length, 1);
});

t.test("two homes linked to one file: logout and login through either are those of both", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, home } = createSessionHarness(t, issuer);
  const real = temporaryFolder(t);
  writeLogin(real, issuer);
  symlinkSync(join(real, "auth.json"), join(home, "auth.json"));
  const linked = await open();
  const session = await open(real);
  t.match(await session.logout(false), { loggedOut: true });
  t.throws(() => readAuthJson(real), { code: "ENOENT" });
  t.match(linked.status(), { state: "signedOut" });
  t.match(await (await open(real)).freshStatus(), { state: "signedOut" });
  await linked.acceptLogin(loginGrant(issuer), "browser", DIRECT);
  t.match((await open(real)).status(), { state: "active" });
  t.equal(storedToken(real), issuer.families[1]?.refreshTokens[0]?.value);
});
