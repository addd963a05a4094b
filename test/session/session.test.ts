import { mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { AuthError, fingerprint } from "@codex-authd/shared";
import t from "tap";
import type { GrantStorage } from "#daemon/storage/grant-storage.js";
import { createTestUser, startAuthorizationServer } from "../helpers/authorization-server.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { createSessionHarness } from "../helpers/session-harness.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

t.test("without a login a token is refused at once, and the words say what to do", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const session = await createSessionHarness(t, issuer).open();
  await t.rejects(session.getToken({}), { code: "ERR_LOGIN_REQUIRED", message: /codex-auth login/ });
  t.match(session.status(), { state: "signedOut", reason: "There is no login." });
  t.equal(issuer.requests.length, 0);
});

t.test("a login that another process made a moment ago is served at once", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login, home } = createSessionHarness(t, issuer);
  const session = await open();
  login();
  t.match(await session.getToken({}), { accessToken: readAuthJson(home).tokens.access_token });
  await session.logout(false);
  login();
  t.match(await session.refresh(), { state: "active" });
});

t.test("other credentials are shown and never managed", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, home } = createSessionHarness(t, issuer);
  writeFileSync(join(home, "auth.json"), '{"auth_mode": "apikey", "OPENAI_API_KEY": "sk-test"}');
  const session = await open();
  t.match(session.status(), { state: "signedOut", authMode: "apikey" });
  await t.rejects(session.getToken({}), { code: "ERR_NOT_MANAGED", message: /"apikey"/ });
  await t.rejects(session.refresh(), { code: "ERR_NOT_MANAGED" });
});

t.test("a corrupt file is named, and a later good one is taken", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, home, login } = createSessionHarness(t, issuer);
  writeFileSync(join(home, "auth.json"), "{");
  const session = await open();
  await t.rejects(session.getToken({}), {
    code: "ERR_STORAGE_CORRUPT",
    message: /auth\.json cannot be understood/,
  });
  login();
  t.match(await session.freshStatus(), { state: "active", lastError: null });
});

t.test("a token is answered from memory, without a request", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, home, login } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const { tokens } = readAuthJson(home);
  t.match(await session.getToken({}), {
    accessToken: tokens.access_token,
    accountId: tokens.account_id,
    planType: "pro",
  });
  t.equal(issuer.requests.length, 0);
});

t.test("a hundred callers who reject one token cost one exchange", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, home, login } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const old = readAuthJson(home).tokens;
  const rejectedToken = fingerprint(old.access_token);
  const calls = Array.from({ length: 100 }, () => session.getToken({ rejectedToken }));
  await setImmediate();
  t.equal(session.waiters, 100);
  const answers = await Promise.all(calls);
  t.equal(session.waiters, 0);
  const fresh = readAuthJson(home).tokens;
  t.ok(answers.every((answer) => answer.accessToken === fresh.access_token));
  t.not(fresh.refresh_token, old.refresh_token);
  t.equal(issuer.exchanges, 1);
  t.same(issuer.violations, []);
  t.match(
    await session.getToken({ rejectedToken }),
    { accessToken: fresh.access_token },
    "a latecomer gets the newer one",
  );
  t.equal(issuer.exchanges, 1);
});

t.test("forced refreshes have a minimum interval", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  t.match(await session.refresh(), { state: "active" });
  await t.rejects(session.refresh(), { code: "ERR_RATE_LIMITED", message: /refresh again in \d+ s/ });
  const { accessToken } = await session.getToken({});
  await t.rejects(session.getToken({ rejectedToken: fingerprint(accessToken) }), {
    code: "ERR_RATE_LIMITED",
  });
  t.equal(issuer.exchanges, 1);
});

t.test("a caller that names another account gets no token", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login } = createSessionHarness(t, issuer);
  login();
  await t.rejects((await open()).getToken({ accountId: "acct-other" }), { code: "ERR_ACCOUNT_MISMATCH" });
});

t.test("a refused refresh token ends the session once, with the issuer's reason", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login, home } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const rejectedToken = fingerprint(readAuthJson(home).tokens.access_token);
  issuer.revokeEverything();
  const refused = { code: "ERR_REFRESH_REJECTED", oauthError: "refresh_token_invalidated" };
  await t.rejects(session.refresh(), refused);
  t.match(session.status(), {
    state: "reauthorizationRequired",
    email: "me@example.com",
    lastError: { code: "ERR_REFRESH_REJECTED" },
  });
  for (let call = 0; call < 6; call += 1) await t.rejects(session.getToken({ rejectedToken }), refused);
  await t.rejects(session.refresh(), refused);
  t.equal(issuer.requestsTo("refresh").length, 1, "the refusal is remembered");
  t.match(
    await session.getToken({}),
    { accessToken: /^ey/ },
    "what is still valid is served to its last second",
  );
  login();
  t.match(await session.freshStatus(), { state: "active" });
});

t.test("a transient failure keeps the token, and is not retried before its time", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  issuer.failNext("refresh", { kind: "status", status: 503, headers: { "retry-after": "30" } });
  await t.rejects(session.refresh(), { code: "ERR_ISSUER_UNAVAILABLE", retryAfterMs: 30_000 });
  await t.rejects(session.refresh(), { code: "ERR_ISSUER_UNAVAILABLE" });
  t.match(await session.getToken({}), { accessToken: /^ey/ });
  t.match(session.status(), { state: "active", lastError: { code: "ERR_ISSUER_UNAVAILABLE" } });
  t.equal(issuer.requestsTo("refresh").length, 1);
});

t.test(
  "a lost answer is ambiguous: the token is served on, and the refresh token not presented again",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const { open, login } = createSessionHarness(t, issuer);
    login();
    const session = await open();
    issuer.failNext("refresh", { kind: "reset", afterCommit: true });
    await t.rejects(session.refresh(), { code: "ERR_ISSUER_UNAVAILABLE" });
    const { nextRefreshAtMs, expiresAtMs } = session.status();
    t.equal(nextRefreshAtMs, (expiresAtMs ?? 0) - 300_000, "not before Codex itself would");
    t.match(await session.getToken({}), { accessToken: /^ey/ });
    await t.rejects(session.refresh(), { code: "ERR_ISSUER_UNAVAILABLE" });
    t.equal(issuer.reuses, 0);
  },
);

t.test("a token is refreshed when it is due, and after a jump of the clock at the next look", async (t) => {
  const clock = createManualClock(Date.now());
  const issuer = await startAuthorizationServer(t);
  const { open, login } = createSessionHarness(t, issuer, { clock });
  login();
  const session = await open();
  await clock.advance(60_000);
  t.equal(issuer.requestsTo("refresh").length, 0);
  clock.jump(31 * 60_000);
  const arrived = issuer.hold("refresh");
  await clock.advance(2_000);
  await arrived.arrived;
  arrived.release();
  await session.getToken({ minValidityMs: 31 * 60_000 });
  t.equal(issuer.exchanges, 1);
  t.match(issuer.requestsTo("refresh")[0]?.parsed, { refresh_reason: "proactive_expiry" });
});

t.test("what another process wrote is adopted before a token is spent", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login, home } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const rejectedToken = fingerprint(readAuthJson(home).tokens.access_token);
  login();
  const { accessToken } = await session.getToken({ rejectedToken });
  t.equal(accessToken, readAuthJson(home).tokens.access_token);
  t.equal(issuer.requestsTo("refresh").length, 0);
});

t.test("another account in the file wins, and both identities are announced", async (t) => {
  const other = createTestUser({ email: "other@example.com", accountId: "acct-other" });
  const issuer = await startAuthorizationServer(t, { users: [createTestUser(), other] });
  const { open, login, changes } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const before = session.status();
  login(other);
  t.match(await session.freshStatus(), { email: "other@example.com", accountId: "acct-other" });
  t.ok(session.generation > before.generation);
  t.match(changes.at(-1), {
    cause: "adoption",
    previousAccount: { accountId: before.accountId, email: "me@example.com" },
  });
});

t.test("a result that began in an older generation is dropped", async (t) => {
  const other = createTestUser({ email: "other@example.com", accountId: "acct-other" });
  const issuer = await startAuthorizationServer(t, { users: [createTestUser(), other] });
  const { open, login, home } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const hold = issuer.hold("refresh");
  const refresh = session.refresh();
  await hold.arrived;
  login(other);
  await session.freshStatus();
  hold.release();
  await refresh;
  t.match(session.status(), { accountId: "acct-other" });
  t.equal(readAuthJson(home).tokens.account_id, "acct-other");
});

t.test("a file that is deleted signs out; logout removes it", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login, home, changes } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  unlinkSync(join(home, "auth.json"));
  t.match(await session.freshStatus(), { state: "signedOut", reason: /removed by another process/ });
  t.match(changes.at(-1), { cause: "fileGone" });
  login();
  await session.freshStatus();
  t.same(await session.logout(false), { loggedOut: true, revoked: false, revocationError: null });
  t.equal(issuer.requestsTo("revoke").length, 0, "the other machines stay signed in");
  t.throws(() => readAuthJson(home), { code: "ENOENT" });
  t.match(await session.logout(true), {
    loggedOut: false,
    revoked: false,
    revocationError: /no ChatGPT login/,
  });
});

t.test(
  "logout with revocation ends the login everywhere, and succeeds here when the issuer does not answer",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const { open, login } = createSessionHarness(t, issuer);
    login();
    const session = await open();
    t.match(await session.logout(true), { loggedOut: true, revoked: true });
    t.ok(issuer.families[0]?.revokedBecause);
    login();
    await session.freshStatus();
    issuer.failNext("revoke", { kind: "status", status: 500 });
    t.match(await session.logout(true), { loggedOut: true, revoked: false, revocationError: /500/ });
  },
);

t.test("tokens that cannot be written are kept, the write is retried, and the exchange is not", async (t) => {
  const clock = createManualClock(Date.now());
  const issuer = await startAuthorizationServer(t);
  let isDiskFull = true;
  const wrapStorage = (storage: GrantStorage): GrantStorage => ({
    ...storage,
    saveRefreshed: async (grant, spent) => {
      if (isDiskFull) throw new AuthError("ERR_STORAGE_UNAVAILABLE", "auth.json cannot be written (ENOSPC).");
      return storage.saveRefreshed(grant, spent);
    },
  });
  const { open, login, home } = createSessionHarness(t, issuer, { clock, wrapStorage });
  login();
  const session = await open();
  const old = readAuthJson(home).tokens;
  t.match(await session.refresh(), {
    storageState: "pending",
    warnings: [/in memory only/],
    lastError: { message: /ENOSPC/ },
  });
  const { accessToken } = await session.getToken({});
  t.not(accessToken, old.access_token);
  await clock.advance(5_000);
  t.match(await session.freshStatus(), { storageState: "pending" }, "the old file is not taken for news");
  isDiskFull = false;
  await clock.advance(60_000);
  t.match(await session.freshStatus(), { storageState: "stored", lastError: null });
  t.equal(readAuthJson(home).tokens.access_token, accessToken);
  t.equal(issuer.exchanges, 1);
});

t.test("a spent token that is put back is not believed: ours is stored again", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login, home } = createSessionHarness(t, issuer);
  login();
  const session = await open();
  const old = JSON.stringify(readAuthJson(home));
  await session.refresh();
  const fresh = readAuthJson(home).tokens.refresh_token;
  writeFileSync(join(home, "auth.json"), old);
  t.match(await session.freshStatus(), { state: "active" });
  t.equal(readAuthJson(home).tokens.refresh_token, fresh);
  t.equal(issuer.reuses, 0);
});

t.test("an issuer that nobody trusts gets nothing, but its token is served", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const stranger = await startAuthorizationServer(t);
  const { open, home } = createSessionHarness(t, issuer);
  writeLogin(home, stranger);
  const session = await open();
  await t.rejects(session.refresh(), { code: "ERR_ISSUER_NOT_TRUSTED", message: new RegExp(stranger.url) });
  t.match(await session.getToken({}), { accessToken: /^ey/ });
  t.match(session.status(), { nextRefreshAtMs: null, warnings: [/does not trust/] });
  t.equal(stranger.requests.length, 0);
});

t.test("two homes linked to one file are one session", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { open, login, home } = createSessionHarness(t, issuer);
  login();
  const second = temporaryFolder(t);
  symlinkSync(join(home, "auth.json"), join(second, "auth.json"));
  t.equal(await open(second), await open(home));
});

t.test("a Codex home that does not exist is named", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { sessions, home } = createSessionHarness(t, issuer);
  const missing = join(home, "nowhere");
  const open = async (selector: object): Promise<unknown> => sessions.open(selector);
  await t.rejects(open({ codexHome: missing }), {
    code: "ERR_CONFIG_INVALID",
    message: /that path does not exist/,
  });
  writeFileSync(missing, "");
  await t.rejects(open({ codexHome: missing }), { message: /is not a directory/ });
  const childEnvironment = { cwd: "/", variables: { CODEX_HOME: join(home, "gone") } };
  await t.rejects(open({ childEnvironment }), { message: /CODEX_HOME points to/ });
});

t.test("callers that differ in their child environment get their own sessions", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { sessions, home } = createSessionHarness(t, issuer);
  const project = temporaryFolder(t);
  mkdirSync(join(project, "codex"));
  const relative = await sessions.open({
    childEnvironment: { cwd: project, variables: { CODEX_HOME: "codex" } },
  });
  t.equal(relative.codexHome, join(project, "codex"));
  const homeOf = await sessions.open({ childEnvironment: { cwd: "/", variables: { HOME: project } } });
  t.equal(homeOf.codexHome, join(project, ".codex"));
  t.equal((await sessions.open({})).codexHome, home);
  rmSync(join(project, "codex"), { recursive: true });
});
