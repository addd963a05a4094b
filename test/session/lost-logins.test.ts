import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { Session } from "#daemon/session/session.js";
import {
  type AuthorizationServer,
  createTestUser,
  startAuthorizationServer,
  type TestUser,
} from "../helpers/authorization-server.js";
import { createDisk } from "../helpers/disk.js";
import { loginGrant } from "../helpers/login-grant.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createSessionHarness, type SessionHarness } from "../helpers/session-harness.js";
import { createSettableClock } from "../helpers/settable-clock.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

/** Longer than what must lie between two forced exchanges. */
const FORCED_INTERVAL_MS = 11_000;

type Test = Parameters<typeof createSessionHarness>[0];

interface Scene extends SessionHarness {
  readonly issuer: AuthorizationServer;
  readonly other: TestUser;
  readonly clock: ReturnType<typeof createSettableClock>;
  readonly disk: ReturnType<typeof createDisk>;
  readonly session: Session;
  readonly file: string;
}

async function sceneWithLogin(t: Test): Promise<Scene> {
  const other = createTestUser({ email: "other@example.com", accountId: "acct-other" });
  const issuer = await startAuthorizationServer(t, { users: [createTestUser(), other] });
  const clock = createSettableClock();
  const disk = createDisk();
  const harness = createSessionHarness(t, issuer, { clock, wrapStorage: disk.wrapStorage });
  harness.login();
  const session = await harness.open();
  return { ...harness, issuer, other, clock, disk, session, file: join(harness.home, "auth.json") };
}

const storedToken = (home: string): string => readAuthJson(home).tokens.refresh_token;
const livingToken = (issuer: AuthorizationServer): string | undefined =>
  issuer.families[0]?.refreshTokens.at(-1)?.value;

/** The login is whole: what is stored is what the issuer accepts, it can be refreshed, and nothing was spent twice. */
async function isWhole({ issuer, clock, session, home }: Scene): Promise<boolean> {
  if (storedToken(home) !== livingToken(issuer)) return false;
  clock.jump(FORCED_INTERVAL_MS);
  const { state } = await session.refresh();
  return state === "active" && storedToken(home) === livingToken(issuer) && issuer.reuses === 0;
}

t.test("a file that is gone for a moment when new tokens arrive loses nothing", async (t) => {
  const scene = await sceneWithLogin(t);
  const { issuer, session, file } = scene;
  const hold = issuer.hold("refresh");
  const refresh = session.refresh();
  await hold.arrived;
  const text = readFileSync(file);
  unlinkSync(file);
  hold.release();
  await until("the issuer has rotated", () => issuer.exchanges === 1);
  await delay(90);
  writeFileSync(file, text);
  t.match(await refresh, { state: "active" });
  await until("the new token is stored", () => storedToken(scene.home) === livingToken(issuer));
  t.ok(await isWhole(scene));
});

t.test(
  "an older token that is restored while new ones are on their way is replaced by the newest",
  async (t) => {
    const scene = await sceneWithLogin(t);
    const { issuer, session, file, clock } = scene;
    const oldest = readFileSync(file);
    await session.refresh();
    clock.jump(FORCED_INTERVAL_MS);
    const hold = issuer.hold("refresh");
    const refresh = session.refresh();
    await hold.arrived;
    writeFileSync(file, oldest);
    hold.release();
    t.match(await refresh, { state: "active" });
    await session.freshStatus();
    t.ok(await isWhole(scene));
  },
);

t.test("new tokens count also when the older ones were waiting to be written", async (t) => {
  const scene = await sceneWithLogin(t);
  const { issuer, session, file, clock, disk, sessions } = scene;
  const oldest = readFileSync(file);
  await session.refresh();
  clock.jump(FORCED_INTERVAL_MS);
  const hold = issuer.hold("refresh");
  const refresh = session.refresh();
  await hold.arrived;
  disk.isFull = true;
  writeFileSync(file, oldest);
  t.match(await session.freshStatus(), { storageState: "pending" });
  disk.isFull = false;
  hold.release();
  t.match(await refresh, { state: "active", storageState: "stored" });
  t.equal(storedToken(scene.home), livingToken(issuer));
  await sessions.close();
  t.equal(storedToken(scene.home), livingToken(issuer), "and at the end it is still the newest");
});

t.test("a file that was moved away during a refresh and comes back gets the successor", async (t) => {
  const scene = await sceneWithLogin(t);
  const { issuer, session, file } = scene;
  const hold = issuer.hold("refresh");
  const refresh = session.refresh();
  await hold.arrived;
  renameSync(file, `${file}.away`);
  t.match(await session.freshStatus(), { state: "signedOut" });
  hold.release();
  await t.rejects(refresh, { code: "ERR_LOGIN_REQUIRED" });
  renameSync(`${file}.away`, file);
  t.match(await session.freshStatus(), { state: "active", storageState: "stored" });
  t.ok(await isWhole(scene));
});

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

t.test("tokens that wait to be written are stored when the daemon ends", async (t) => {
  const { issuer, session, sessions, disk, home } = await sceneWithLogin(t);
  disk.isFull = true;
  t.match(await session.refresh(), { storageState: "pending" });
  disk.isFull = false;
  await sessions.close();
  t.equal(storedToken(home), livingToken(issuer));
});

t.test("a lock that nobody can take is found before a token is spent", async (t) => {
  const { issuer, session, home } = await sceneWithLogin(t);
  mkdirSync(join(home, "auth.lock"));
  await t.rejects(session.refresh(), { code: "ERR_STORAGE_UNAVAILABLE", message: /EISDIR/ });
  t.equal(issuer.requestsTo("refresh").length, 0);
  t.match(await session.getToken({}), { accessToken: readAuthJson(home).tokens.access_token });
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
  await linked.acceptLogin(loginGrant(issuer), "browser");
  t.match((await open(real)).status(), { state: "active" });
  t.equal(storedToken(real), issuer.families[1]?.refreshTokens[0]?.value);
});

t.test("a new login that could not be written survives a status call", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const disk = createDisk();
  const { open, home } = createSessionHarness(t, issuer, disk);
  writeFileSync(join(home, "auth.json"), '{"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1"}');
  const session = await open();
  disk.isFull = true;
  t.match(await session.acceptLogin(loginGrant(issuer), "browser"), { storageState: "pending" });
  t.match(await session.freshStatus(), { state: "active", storageState: "pending" });
  disk.isFull = false;
  await until("the login is stored", () => session.status().storageState === "stored");
  t.equal(storedToken(home), livingToken(issuer));
});

t.test("a login that waits to be written does not replace a newer one of another process", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const disk = createDisk();
  const { open, home, login } = createSessionHarness(t, issuer, disk);
  const session = await open();
  disk.isFull = true;
  disk.isWatched = false;
  await session.acceptLogin(loginGrant(issuer), "browser");
  login();
  const theirs = storedToken(home);
  disk.isFull = false;
  await until("the write was tried again", () => session.status().storageState === "stored");
  t.equal(storedToken(home), theirs);
  t.match(await session.getToken({}), { accessToken: readAuthJson(home).tokens.access_token });
});

t.test(
  "new access tokens that cannot be written are kept where the refresh token stays the same",
  async (t) => {
    const { issuer, session, disk, home } = await sceneWithLogin(t);
    const old = readAuthJson(home).tokens;
    issuer.failNext("refresh", { kind: "missingField", field: "refresh_token" });
    disk.isFull = true;
    t.match(await session.refresh(), { storageState: "pending" });
    t.match(await session.freshStatus(), { storageState: "pending" });
    const { accessToken } = await session.getToken({});
    t.not(accessToken, old.access_token);
    disk.isFull = false;
    await until("they are stored", () => session.status().storageState === "stored");
    t.equal(readAuthJson(home).tokens.access_token, accessToken);
    t.equal(storedToken(home), old.refresh_token);
  },
);

t.test("a write that fails is told in one event, with the new tokens", async (t) => {
  const { session, disk, changes } = await sceneWithLogin(t);
  const seen = changes.length;
  const generation = session.generation;
  disk.isFull = true;
  t.match(await session.refresh(), {
    storageState: "pending",
    lastError: { code: "ERR_STORAGE_UNAVAILABLE" },
  });
  t.same(changes.slice(seen), [{ cause: "refresh", previousAccount: null }]);
  t.equal(session.generation, generation + 1, "never stored in between, for anybody who looks");
});
