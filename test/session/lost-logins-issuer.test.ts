import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fingerprint } from "@codex-authd/shared";
import t from "tap";
import { readJwtClaims } from "#daemon/oauth/jwt-claims.js";
import { createTestUser, startAuthorizationServer } from "../helpers/authorization-server.js";
import { createDisk } from "../helpers/disk.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createManualClock, type ManualClock } from "../helpers/manual-clock.js";
import { createSessionHarness } from "../helpers/session-harness.js";
import { createSettableClock } from "../helpers/settable-clock.js";
import { until } from "../helpers/until.js";

const MINUTE_MS = 60_000;

/** Codex presents its refresh token this long before the access token ends. */
const UPSTREAM_LEAD_MS = 5 * MINUTE_MS;

/** Lets `seconds` pass one by one, and what each of them begins come to its end. */
async function passSeconds(clock: ManualClock, seconds: number, isQuiet: () => boolean): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await clock.advance(1_000);
    for (let look = 0; look === 0 || !isQuiet(); look += 1) await delay(5);
  }
}

/** Makes the access token of an auth.json one without times, last refreshed `ageMs` ago. */
function makeUndated(home: string, ageMs: number): void {
  const document = readAuthJson(home);
  const tokens = { ...document.tokens, access_token: "opaque" };
  const last_refresh = new Date(Date.now() - ageMs).toISOString();
  writeFileSync(join(home, "auth.json"), JSON.stringify({ ...document, tokens, last_refresh }));
}

t.test("a local clock that is fast costs one exchange, and then the issuer's counts", async (t) => {
  const clock = createManualClock(Date.now() + 35 * MINUTE_MS);
  const issuer = await startAuthorizationServer(t);
  const { open, login } = createSessionHarness(t, issuer, { clock });
  login();
  const session = await open();
  await passSeconds(clock, 20, () => !session.status().refreshInFlight);
  t.equal(issuer.exchanges, 1);
});

t.test("answers without an access token do not make an exchange a second", async (t) => {
  const clock = createManualClock(Date.now() + 35 * MINUTE_MS);
  const issuer = await startAuthorizationServer(t);
  const { open, login } = createSessionHarness(t, issuer, { clock });
  login();
  issuer.clockSkewSeconds = 35 * 60;
  issuer.failNext("refresh", { kind: "missingField", field: "access_token" }, 50);
  const session = await open();
  await passSeconds(clock, 20, () => !session.status().refreshInFlight);
  t.ok(issuer.exchanges >= 1 && issuer.exchanges <= 4, `${issuer.exchanges} in 20 s`);
  t.equal(issuer.reuses, 0);
});

t.test(
  "who takes over from a daemon that crashed in a refresh does not present the token again",
  async (t) => {
    const clock = createSettableClock();
    const issuer = await startAuthorizationServer(t);
    const first = createSessionHarness(t, issuer, { clock });
    first.login();
    const owner = await first.open();
    const second = first.restartedBeside();
    const heir = await second.open();
    const hold = issuer.hold("refresh", { afterCommit: true });
    owner.refresh().catch(() => {});
    await hold.arrived;
    await first.abandon();
    await until("the other takes over", () => heir.status().nextRefreshAtMs !== null);
    const { nextRefreshAtMs, expiresAtMs, lastError } = heir.status();
    t.equal(nextRefreshAtMs, (expiresAtMs ?? 0) - UPSTREAM_LEAD_MS);
    t.match(lastError, { message: /ended in the middle of a refresh/ });
    await t.rejects(heir.refresh(), { code: "ERR_ISSUER_UNAVAILABLE" });
    t.equal(issuer.requestsTo("refresh").length, 1);
    hold.release({ kind: "reset" });
  },
);

t.test("that a token may be spent is remembered while its file is away", async (t) => {
  const clock = createSettableClock();
  const issuer = await startAuthorizationServer(t);
  const { open, login, home } = createSessionHarness(t, issuer, { clock });
  login();
  const session = await open();
  issuer.failNext("refresh", { kind: "reset", afterCommit: true });
  await t.rejects(session.refresh(), { code: "ERR_ISSUER_UNAVAILABLE" });
  const file = join(home, "auth.json");
  renameSync(file, `${file}.away`);
  t.match(await session.freshStatus(), { state: "signedOut" });
  renameSync(`${file}.away`, file);
  const { nextRefreshAtMs, expiresAtMs } = await session.freshStatus();
  t.equal(nextRefreshAtMs, (expiresAtMs ?? 0) - UPSTREAM_LEAD_MS);
  clock.jump(11_000);
  await t.rejects(session.refresh(), { code: "ERR_ISSUER_UNAVAILABLE" });
  t.equal(issuer.reuses, 0);
});

t.test("a refusal of a refresh is never called an expired login", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { sessions, open, login, home } = createSessionHarness(t, issuer);
  const below = join(home, "config.toml", "home");
  writeFileSync(join(home, "config.toml"), "");
  const openBelow = async (): Promise<unknown> => sessions.open({ codexHome: below });
  await t.rejects(openBelow(), { code: "ERR_CONFIG_INVALID", message: /does not exist/ });
  login();
  issuer.failNext("refresh", { kind: "status", status: 401, body: { error: "expired_token" } });
  const refused = { code: "ERR_REFRESH_REJECTED", oauthError: "expired_token" };
  await t.rejects((await open()).refresh(), refused);
});

t.test("answers that say nothing cost one deliberate try, not one after the other", async (t) => {
  const clock = createManualClock(Date.now());
  const issuer = await startAuthorizationServer(t, { accessTokenLifetimeSeconds: 240 });
  issuer.clockSkewSeconds = -200;
  const { open, login } = createSessionHarness(t, issuer, { clock });
  login();
  issuer.clockSkewSeconds = 0;
  issuer.failNext("refresh", { kind: "empty" }, 50);
  const session = await open();
  await passSeconds(clock, 30, () => !session.status().refreshInFlight);
  t.equal(issuer.requestsTo("refresh").length, 2, "while the access token is good");
  t.match(await session.getToken({}), { accessToken: /^ey/ });
});

t.test(
  "a lost answer is tried again also for a token without exp, once, and the truth is told",
  async (t) => {
    const clock = createManualClock(Date.now());
    const issuer = await startAuthorizationServer(t);
    const { open, login, home } = createSessionHarness(t, issuer, { clock });
    login();
    makeUndated(home, 7.5 * 24 * 60 * MINUTE_MS);
    issuer.failNext("refresh", { kind: "reset", afterCommit: true });
    const session = await open();
    await passSeconds(clock, 30, () => !session.status().refreshInFlight);
    t.equal(issuer.requestsTo("refresh").length, 1, "half a day too early");
    clock.jump(12 * 60 * MINUTE_MS);
    const isOver = (): boolean => session.status().state !== "active";
    for (let look = 0; look < 100 && !isOver(); look += 1) {
      await passSeconds(clock, 1, () => true);
    }
    t.equal(issuer.requestsTo("refresh").length, 2);
    t.match(session.status(), {
      state: "reauthorizationRequired",
      lastError: { message: /An earlier refresh got no answer/, oauthError: "refresh_token_reused" },
    });
    t.match(await session.getToken({}), { accessToken: "opaque" });
  },
);

t.test(
  "a token that somebody else spent: their commit is waited for, and only then is it believed",
  async (t) => {
    const clock = createManualClock(Date.now());
    const issuer = await startAuthorizationServer(t);
    const { open, login, home, changes } = createSessionHarness(t, issuer, { clock });
    const passQuarters = async (count: number): Promise<void> => {
      for (let quarter = 0; quarter < count; quarter += 1) {
        await clock.advance(250);
        await delay(5);
      }
    };
    const refuseNext = async (refresh: () => Promise<unknown>): Promise<{ ended: Promise<unknown> }> => {
      const body = { error: { code: "refresh_token_reused", message: "Already used." } };
      issuer.failNext("refresh", { kind: "status", status: 401, body });
      const before = issuer.requestsTo("refresh").length;
      const ended = refresh();
      ended.catch(() => {});
      await until("the issuer is asked", () => issuer.requestsTo("refresh").length > before);
      await delay(50);
      await passQuarters(18);
      return { ended };
    };
    login();
    const session = await open();
    const passToEnd = (): Promise<void> =>
      until("the refresh has ended", async () => {
        await passQuarters(1);
        return !session.status().refreshInFlight;
      });
    const committed = await refuseNext(() => session.refresh());
    t.match(session.status(), { state: "active", refreshInFlight: true }, "after 4.5 s");
    login();
    await passToEnd();
    t.match(await committed.ended, { state: "active" });
    t.match(await session.getToken({}), { accessToken: readAuthJson(home).tokens.access_token });
    t.notOk(changes.some(({ cause }) => cause === "refusal"));

    await clock.advance(MINUTE_MS);
    const abandoned = await refuseNext(() => session.refresh());
    t.match(session.status(), { state: "active", refreshInFlight: true }, "after 4.5 s");
    await passToEnd();
    await t.rejects(abandoned.ended, { code: "ERR_REFRESH_REJECTED", oauthError: "refresh_token_reused" });
    t.match(session.status(), { state: "reauthorizationRequired" });
  },
);

t.test("an issuer that is corrected in the file is seen at once", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login, home } = createSessionHarness(t, issuer);
  login();
  const file = join(home, "auth.json");
  const good = readFileSync(file, "utf8");
  writeFileSync(file, good.replaceAll(issuer.url, "https://wrong.example"));
  const session = await open();
  t.match(session.status(), { warnings: [/wrong\.example/], nextRefreshAtMs: null });
  writeFileSync(file, good);
  t.match(await session.freshStatus(), { warnings: [], issuer: issuer.url });
  t.match(await session.refresh(), { state: "active" });
});

t.test("a clock that is set back does not park a session", async (t) => {
  const clock = createSettableClock();
  const issuer = await startAuthorizationServer(t);
  const { open, login } = createSessionHarness(t, issuer, { clock });
  login();
  const session = await open();
  issuer.failNext("refresh", { kind: "status", status: 503 });
  await t.rejects(session.refresh(), { code: "ERR_ISSUER_UNAVAILABLE" });
  clock.jump(-24 * 60 * MINUTE_MS);
  t.match(await session.refresh(), { state: "active" });
});

t.test("tokens of another account change the identity, and who named the old one is told", async (t) => {
  const other = createTestUser({ email: "other@example.com", accountId: "acct-other" });
  const issuer = await startAuthorizationServer(t, { users: [createTestUser(), other] });
  const { open, login, changes } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const { accountId } = await session.getToken({});
  issuer.failNext("refresh", { kind: "otherAccount", user: other });
  await session.refresh();
  for (const look of ["from memory", "after a look at the file"]) {
    const answer = await session.getToken({});
    t.equal(answer.accountId, "acct-other", look);
    t.equal(readJwtClaims(answer.accessToken)?.accountId, "acct-other");
    t.match(session.status(), { accountId: "acct-other", email: "other@example.com" });
    await t.rejects(session.getToken({ accountId: accountId ?? "" }), { code: "ERR_ACCOUNT_MISMATCH" });
    await session.freshStatus();
  }
  const told = changes.filter(({ previousAccount }) => previousAccount !== null);
  t.match(told, [{ cause: "refresh", previousAccount: { accountId, email: "me@example.com" } }]);
  t.equal(told.length, 1);
});

t.test(
  "an expired login that was replaced by another expired one is refreshed in the same call",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const disk = createDisk();
    const clock = createSettableClock(120 * MINUTE_MS);
    const { open, home, login } = createSessionHarness(t, issuer, { clock, wrapStorage: disk.wrapStorage });
    disk.isWatched = false;
    login();
    issuer.clockSkewSeconds = 120 * 60;
    issuer.failNext("refresh", { kind: "status", status: 503 });
    const session = await open();
    await t.rejects(session.getToken({}), { code: "ERR_ISSUER_UNAVAILABLE" });
    issuer.clockSkewSeconds = 0;
    writeLogin(home, issuer);
    issuer.clockSkewSeconds = 120 * 60;
    clock.jump(5_000);
    const { accessToken } = await session.getToken({});
    t.ok(issuer.isAccessTokenValid(accessToken));
    t.equal(fingerprint(accessToken), fingerprint(readAuthJson(home).tokens.access_token));
  },
);
