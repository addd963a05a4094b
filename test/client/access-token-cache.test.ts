import { AuthError, fingerprint } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { type AccessToken, AccessTokenCache } from "#client/access-token-cache.js";
import { type AuthClient, createAuthClient } from "#client/index.js";
import { createFakeDaemon, type FakeDaemon, sessionStatus } from "../helpers/fake-daemon.js";
import { createManualClock, type ManualClock } from "../helpers/manual-clock.js";

const HOUR_MS = 3_600_000;

async function setUp(
  t: Test,
  lifetimeMs: number | null = HOUR_MS,
): Promise<{ daemon: FakeDaemon; client: AuthClient; clock: ManualClock }> {
  const clock = createManualClock();
  const daemon = await createFakeDaemon({
    "token/get": () => ({
      accessToken: `token-${daemon.count("token/get")}`,
      expiresAtMs: lifetimeMs === null ? null : clock.now() + lifetimeMs,
      accountId: "acc-1",
      planType: "plus",
      generation: 1,
    }),
    "session/logout": () => ({ loggedOut: true, revoked: false, revocationError: null }),
    "session/refresh": () => sessionStatus(),
  });
  const client = createAuthClient({ env: daemon.env, cwd: "/work", autostart: false, clock });
  t.teardown(async () => {
    await client.close();
    await daemon.close();
  });
  return { daemon, client, clock };
}

/** A cache whose calls are answered one by one, in any order: the nth with `answer(n, …)`. */
function createSlowCache(): { cache: AccessTokenCache; calls(): number; answer: Answer } {
  const calls: ((token: AccessToken) => void)[] = [];
  const fetch = (): Promise<AccessToken> => new Promise((resolve) => calls.push(resolve));
  return {
    cache: new AccessTokenCache(createManualClock(), fetch),
    calls: () => calls.length,
    answer: (call, generation, changes) => calls[call - 1]?.({ ...tokenOf(generation), ...changes }),
  };
}

type Answer = (call: number, generation: number, changes?: Partial<AccessToken>) => void;

/** `token-1` of generation 1, and so on. */
function tokenOf(generation: number): AccessToken {
  return {
    accessToken: `token-${generation}`,
    expiresAtMs: null,
    accountId: "acc-1",
    planType: "plus",
    generation,
  };
}

t.test("an error is not kept: the next call asks again", async (t) => {
  const { daemon, client } = await setUp(t);
  const answer = daemon.handlers["token/get"];
  daemon.handlers["token/get"] = () => {
    throw new AuthError("ERR_LOGIN_REQUIRED", "Log in.");
  };
  await t.rejects(client.getAccessToken(), { code: "ERR_LOGIN_REQUIRED" });
  if (answer) daemon.handlers["token/get"] = answer;
  t.match(await client.getAccessToken(), { accessToken: "token-2" });
});

t.test("a hot loop costs one call", async (t) => {
  const { daemon, client } = await setUp(t);
  for (let call = 0; call < 1_000; call++) await client.getAccessToken();
  t.equal(daemon.count("token/get"), 1);
});

t.test("callers at the same time share one call, and one may leave", async (t) => {
  const { daemon, client } = await setUp(t);
  const leaving = client.getAccessToken({ signal: AbortSignal.abort(new Error("left")) });
  const staying = [client.getAccessToken(), client.getAccessToken()];
  await t.rejects(leaving, { message: "left" });
  t.match(await Promise.all(staying), Array(2).fill({ accessToken: "token-1" }));
  t.equal(daemon.count("token/get"), 1);
});

t.test("each session and each account has its own token", async (t) => {
  const { client } = await setUp(t);
  t.match(await client.getAccessToken(), { accessToken: "token-1" });
  t.match(await client.getAccessToken({ codexHome: "/a" }), { accessToken: "token-2" });
  t.match(await client.getAccessToken({ codexHome: "/b" }), { accessToken: "token-3" });
  t.match(await client.getAccessToken({ codexHome: "/b", accountId: "acc-1" }), { accessToken: "token-4" });
  t.match(await client.getAccessToken({ codexHome: "/a" }), { accessToken: "token-2" });
});

t.test("a token that was rejected is never answered from here", async (t) => {
  const { daemon, client } = await setUp(t);
  const { accessToken } = await client.getAccessToken();
  const rejectedToken = fingerprint(accessToken);
  t.match(await client.getAccessToken({ rejectedToken }), { accessToken: "token-2" });
  t.same(daemon.calls[1]?.params.rejectedToken, rejectedToken);
  t.match(await client.getAccessToken(), { accessToken: "token-2" }, "its successor is");
});

t.test("asks again after 30 s, so that a logout elsewhere is seen", async (t) => {
  const { daemon, client, clock } = await setUp(t);
  await client.getAccessToken();
  await clock.advance(29_999);
  await client.getAccessToken();
  t.equal(daemon.count("token/get"), 1);
  await clock.advance(1);
  await client.getAccessToken();
  t.equal(daemon.count("token/get"), 2);
});

t.test("asks again within a minute of the end, and for a longer validity than there is", async (t) => {
  const { daemon, client, clock } = await setUp(t, 80_000);
  await client.getAccessToken();
  await clock.advance(19_999);
  await client.getAccessToken({ minValidityMs: 60_000 });
  t.equal(daemon.count("token/get"), 1);
  await client.getAccessToken({ minValidityMs: 61_000 });
  t.equal(daemon.count("token/get"), 2);
  await clock.advance(20_000);
  await client.getAccessToken();
  t.equal(daemon.count("token/get"), 3);
});

t.test("a token without a known end is kept for 30 s as well", async (t) => {
  const { daemon, client, clock } = await setUp(t, null);
  await client.getAccessToken();
  await client.getAccessToken();
  await clock.advance(30_000);
  await client.getAccessToken();
  t.equal(daemon.count("token/get"), 2);
});

t.test("a clock that is set back keeps nothing", async (t) => {
  const { daemon, client, clock } = await setUp(t);
  await client.getAccessToken();
  clock.jump(-HOUR_MS);
  await client.getAccessToken();
  t.equal(daemon.count("token/get"), 2);
});

t.test("logout and refresh through the same client forget what was kept", async (t) => {
  const { daemon, client } = await setUp(t);
  await client.getAccessToken();
  await client.logout();
  await client.getAccessToken();
  await client.refresh();
  await client.getAccessToken();
  t.equal(daemon.count("token/get"), 3);
});

t.test("a slow answer of an older generation does not displace a newer one", async (t) => {
  const { cache, calls, answer } = createSlowCache();
  const slow = cache.get({});
  const quick = cache.get({ minValidityMs: HOUR_MS });
  answer(2, 2);
  t.match(await quick, { accessToken: "token-2" });
  answer(1, 1);
  t.match(await slow, { accessToken: "token-1" }, "its own caller gets it");
  t.match(await cache.get({}), { accessToken: "token-2" });
  t.equal(calls(), 2);
});

t.test("a slow answer is not kept when its token was rejected meanwhile", async (t) => {
  const { cache, calls, answer } = createSlowCache();
  const slow = cache.get({ minValidityMs: HOUR_MS });
  const forced = cache.get({ rejectedToken: fingerprint("token-1") });
  answer(1, 1);
  t.match(await slow, { accessToken: "token-1" });
  const next = cache.get({});
  t.equal(calls(), 3, "while the new one is fetched, others ask for it too");
  answer(2, 2);
  answer(3, 1);
  await Promise.all([forced, next]);
  t.match(await cache.get({}), { accessToken: "token-2" });
  t.equal(calls(), 3);
});

t.test(
  "a rejected token does not displace another, though it comes back with a newer generation",
  async (t) => {
    const { cache, calls, answer } = createSlowCache();
    const forced = cache.get({ rejectedToken: fingerprint("token-1") });
    answer(1, 2);
    await forced;
    const later = cache.get({ minValidityMs: HOUR_MS, rejectedToken: fingerprint("token-1") });
    answer(2, 3, { accessToken: "token-1" });
    t.match(await later, { accessToken: "token-1" });
    t.match(await cache.get({}), { accessToken: "token-2" });
    t.equal(calls(), 2);
  },
);

t.test("nobody joins a call that began before the rejection", async (t) => {
  const { cache, calls, answer } = createSlowCache();
  const slow = cache.get({});
  const forced = cache.get({ rejectedToken: fingerprint("token-1") });
  const joined = cache.get({ rejectedToken: fingerprint("token-1") });
  const next = cache.get({});
  t.equal(calls(), 3, "but those that reject the same token share one");
  for (const [call, generation] of [
    [1, 1],
    [2, 2],
    [3, 2],
  ] as const)
    answer(call, generation);
  t.match(await Promise.all([slow, forced, joined, next]), [1, 2, 2, 2].map(tokenOf));
});

t.test("a rejected token is not kept when the daemon has no other, nor under another account", async (t) => {
  const { cache, calls, answer } = createSlowCache();
  const kept = cache.get({ codexHome: "/a" });
  answer(1, 1);
  await kept;
  const rejectedToken = fingerprint("token-1");
  const forced = cache.get({ codexHome: "/a", accountId: "acc-1", rejectedToken });
  answer(2, 1);
  t.match(await forced, { accessToken: "token-1" });
  void cache.get({ codexHome: "/a", accountId: "acc-1" });
  void cache.get({ codexHome: "/a" });
  t.equal(calls(), 4);
});
