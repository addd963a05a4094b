import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fingerprint } from "@codex-authd/shared";
import t from "tap";
import { DIRECT } from "#daemon/net/network-settings.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { createDisk } from "../helpers/disk.js";
import { loginGrant } from "../helpers/login-grant.js";
import {
  FORCED_INTERVAL_MS,
  isWhole,
  livingToken,
  sceneWithLogin,
  storedToken,
} from "../helpers/login-scene.js";
import { readAuthJson } from "../helpers/logins.js";
import { createSessionHarness } from "../helpers/session-harness.js";
import { until } from "../helpers/until.js";

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

t.test("a new login that could not be written survives a status call", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const disk = createDisk();
  const { open, home } = createSessionHarness(t, issuer, disk);
  writeFileSync(join(home, "auth.json"), '{"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1"}');
  const session = await open();
  disk.isFull = true;
  t.match(await session.acceptLogin(loginGrant(issuer), "browser", DIRECT), { storageState: "pending" });
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
  await session.acceptLogin(loginGrant(issuer), "browser", DIRECT);
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

t.test("a caller who still waits when the daemon ends does not make it present another token", async (t) => {
  const { issuer, session, sessions, home, login, clock, disk } = await sceneWithLogin(t);
  const rejectedToken = fingerprint(readAuthJson(home).tokens.access_token);
  const hold = issuer.hold("refresh");
  const read = session.getToken({ rejectedToken });
  await hold.arrived;
  disk.isWatched = false;
  login();
  await session.freshStatus();
  clock.jump(120 * 60_000);
  const closed = sessions.close();
  hold.release({ kind: "status", status: 503 });
  await closed;
  await t.rejects(read, { code: "ERR_ISSUER_UNAVAILABLE" });
  t.equal(issuer.requestsTo("refresh").length, 1);
});
