import { Redacted } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createHttp } from "#daemon/net/http.js";
import { DIRECT } from "#daemon/net/network-settings.js";
import { DEFAULT_CLIENT_ID } from "#daemon/oauth/oauth-client.js";
import {
  type RefreshReason,
  requestTokensByCode,
  requestTokensByRefresh,
} from "#daemon/oauth/token-request.js";
import { type CannedAnswer, type CannedServer, startCannedServer } from "../helpers/canned-server.js";
import { fakeJwt } from "../helpers/grants.js";

/** codex-cli 0.169, request 196 of the browser login. */
const CAPTURED_CODE_EXCHANGE = {
  headers: ["content-type", "accept", "content-length"],
  contentLength: "249",
  body: "grant_type=authorization_code&client_id=app_EMoamEEZ73f0CkXaXp7hrann&code=code_fake_195&redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2Fauth%2Fcallback&code_verifier=JDMuVvc6jIdH_CfpBNOgFa15R1KTBjc58YsPyr9zvkuE5O3YjVsajKRKupbvKKBWnvbElIPhuwbxKJhryIFc-w",
};

/** codex-cli 0.169, request 213, and the reasons of 211, 214 and 215. */
const CAPTURED_REFRESH = {
  headers: ["content-type", "originator", "user-agent", "accept", "content-length"],
  body: '{"client_id":"app_EMoamEEZ73f0CkXaXp7hrann","grant_type":"refresh_token","refresh_reason":"proactive_expiry","refresh_token":"rt_fake_login_7bc37dee"}',
  contentLengths: { forced: 140, proactive_expiry: 150, scheduled: 143, unauthorized_recovery: 155 },
};

const TOKENS = {
  id_token: fakeJwt({ email: "me@example.com" }),
  access_token: fakeJwt({ exp: 1 }),
  refresh_token: "rt_fake_next",
};

/** Nobody listens on port 1. */
const NOWHERE = "http://127.0.0.1:1";

const http = createHttp().through(DIRECT);

const clientOf = (server: CannedServer) => ({
  issuer: server.url,
  clientId: DEFAULT_CLIENT_ID,
  originator: "codex_cli_rs",
  userAgent: "codex-authd/0.1.0",
});

/** What we send beyond our own headers: undici's two. */
const withoutTransport = (names: readonly string[]) =>
  names.filter((name) => !["host", "connection"].includes(name));

async function exchangeCode(t: Test, answer: CannedAnswer, signal?: AbortSignal) {
  const server = await startCannedServer(t, [answer]);
  const promise = requestTokensByCode(http, clientOf(server), {
    code: new Redacted("code_fake_195"),
    redirectUri: "http://127.0.0.1:1455/auth/callback",
    codeVerifier: new Redacted(
      "JDMuVvc6jIdH_CfpBNOgFa15R1KTBjc58YsPyr9zvkuE5O3YjVsajKRKupbvKKBWnvbElIPhuwbxKJhryIFc-w",
    ),
    ...(signal === undefined ? {} : { signal }),
  });
  return { server, promise };
}

async function refresh(t: Test, answer: CannedAnswer, reason: RefreshReason = "proactive_expiry") {
  const server = await startCannedServer(t, [answer]);
  const refreshToken = new Redacted("rt_fake_login_7bc37dee");
  return { server, promise: requestTokensByRefresh(http, clientOf(server), { refreshToken, reason }) };
}

t.test("an answer that cannot be used", async (t) => {
  const unusable: Record<string, unknown> = {
    "an empty body": "",
    "a page": "<html></html>",
    "half an object": '{"access_token":"abc',
    "an array": [TOKENS],
    null: "null",
    "an object without tokens": { token_type: "bearer" },
    "empty tokens": { access_token: "", refresh_token: "" },
    "tokens of another type": { access_token: 1, refresh_token: { a: 1 } },
    "tokens with a line break": { access_token: "a\nb", refresh_token: "a b" },
    "an ID token alone": { id_token: TOKENS.id_token },
  };
  for (const [name, body] of Object.entries(unusable)) {
    t.test(`${name} is ambiguous, to a refresh and to a login`, async (t) => {
      await t.rejects((await refresh(t, { body })).promise, {
        name: "OAuthError",
        kind: "ambiguous",
        status: 200,
      });
      await t.rejects((await exchangeCode(t, { body })).promise, {
        name: "OAuthError",
        kind: "ambiguous",
        status: 200,
      });
    });
  }
  for (const missing of ["id_token", "access_token", "refresh_token"]) {
    t.test(`a login without ${missing} is ambiguous`, async (t) => {
      const { promise } = await exchangeCode(t, { body: { ...TOKENS, [missing]: undefined } });
      await t.rejects(promise, { name: "OAuthError", kind: "ambiguous", status: 200 });
    });
  }
  t.test("a login whose ID token upstream could not read is ambiguous", async (t) => {
    const { promise } = await exchangeCode(t, { body: { ...TOKENS, id_token: "opaque" } });
    await t.rejects(promise, { name: "OAuthError", kind: "ambiguous" });
  });
});

t.test("a refusal is told by the table", async (t) => {
  const body = { error: { code: "refresh_token_reused", message: "Used." } };
  await t.rejects((await refresh(t, { status: 401, body })).promise, {
    name: "OAuthError",
    kind: "terminal",
    oauthError: "refresh_token_reused",
    status: 401,
  });
  await t.rejects((await refresh(t, { status: 503, headers: { "retry-after": "3" } })).promise, {
    name: "OAuthError",
    kind: "transient",
    retryAfterMs: 3_000,
  });
  await t.rejects((await exchangeCode(t, { status: 400 })).promise, {
    name: "OAuthError",
    kind: "terminal",
    status: 400,
  });
});

t.test("an issuer that cannot be reached is transient", async (t) => {
  const client = { ...clientOf(await startCannedServer(t, [])), issuer: NOWHERE };
  const refreshToken = new Redacted("rt_fake_login_7bc37dee");
  await t.rejects(requestTokensByRefresh(http, client, { refreshToken, reason: "forced" }), {
    name: "OAuthError",
    kind: "transient",
    status: undefined,
  });
});

t.test("a code exchange is field by field the one of codex-cli 0.169", async (t) => {
  const { server, promise } = await exchangeCode(t, { body: TOKENS });
  const tokens = await promise;
  const [request] = server.requests;
  t.equal(request?.method, "POST");
  t.equal(request?.target, "/oauth/token");
  t.strictSame(
    withoutTransport(request?.headers.map(([name]) => name) ?? []),
    CAPTURED_CODE_EXCHANGE.headers,
  );
  t.match(Object.fromEntries(request?.headers ?? []), {
    "content-type": "application/x-www-form-urlencoded",
    accept: "*/*",
    "content-length": CAPTURED_CODE_EXCHANGE.contentLength,
  });
  t.equal(request?.body, CAPTURED_CODE_EXCHANGE.body);
  t.equal(tokens.idToken.reveal(), TOKENS.id_token);
  t.equal(tokens.accessToken.reveal(), TOKENS.access_token);
  t.equal(tokens.refreshToken.reveal(), TOKENS.refresh_token);
});

t.test("a refresh is field by field the one of codex-cli 0.169, but for the User-Agent", async (t) => {
  const { server, promise } = await refresh(t, { body: TOKENS });
  await promise;
  const [request] = server.requests;
  t.equal(request?.target, "/oauth/token");
  t.strictSame(withoutTransport(request?.headers.map(([name]) => name) ?? []), CAPTURED_REFRESH.headers);
  t.match(Object.fromEntries(request?.headers ?? []), {
    "content-type": "application/json",
    originator: "codex_cli_rs",
    "user-agent": "codex-authd/0.1.0",
    accept: "*/*",
  });
  t.equal(request?.body, CAPTURED_REFRESH.body);
});

t.test("each reason has upstream's name", async (t) => {
  for (const [reason, contentLength] of Object.entries(CAPTURED_REFRESH.contentLengths)) {
    const { server, promise } = await refresh(t, { body: TOKENS }, reason as RefreshReason);
    await promise;
    t.match(server.requests[0]?.body, `"refresh_reason":"${reason}"`);
    t.equal(server.requests[0]?.body.length, contentLength);
  }
});

t.test("a refresh", async (t) => {
  t.test("gives what the issuer gave, and leaves out what it left out", async (t) => {
    const { promise } = await refresh(t, { body: { access_token: "abc" }, headers: { date: "" } });
    const tokens = await promise;
    t.equal(tokens.accessToken?.reveal(), "abc");
    t.strictSame(Object.keys(tokens), ["accessToken"]);
  });
  t.test("may rotate the refresh token alone", async (t) => {
    const tokens = await (await refresh(t, { body: { refresh_token: "rt_fake_next" } })).promise;
    t.equal(tokens.refreshToken?.reveal(), "rt_fake_next");
    t.equal(tokens.accessToken, undefined);
  });
  t.test("tells the issuer's clock and the lifetime", async (t) => {
    const headers = { date: "Sun, 22 Nov 2026 14:42:45 GMT" };
    const tokens = await (await refresh(t, { headers, body: { ...TOKENS, expires_in: 3600 } })).promise;
    t.equal(tokens.expiresInSeconds, 3600);
    t.equal(tokens.issuerDateMs, Date.parse(headers.date));
  });
  t.test("does not lose its tokens to a bad ID token or a bad lifetime", async (t) => {
    const body = { ...TOKENS, id_token: "opaque", expires_in: "soon" };
    const tokens = await (await refresh(t, { body })).promise;
    t.equal(tokens.refreshToken?.reveal(), "rt_fake_next");
    t.equal(tokens.idToken, undefined);
    t.equal(tokens.expiresInSeconds, undefined);
  });
  t.test("does not print its tokens", async (t) => {
    t.notMatch(JSON.stringify(await (await refresh(t, { body: TOKENS })).promise), "rt_fake_next");
  });
});

t.test("a login that is given up ends with the signal's reason", async (t) => {
  const reason = new Error("given up");
  const { promise } = await exchangeCode(t, { body: TOKENS }, AbortSignal.abort(reason));
  await t.rejects(promise, reason);
});

t.test("a refresh that is cut off still tells whether the token may be spent", async (t) => {
  const client = clientOf(await startCannedServer(t, [{ body: TOKENS }]));
  const refreshToken = new Redacted("rt_fake_login_7bc37dee");
  const grant = { refreshToken, reason: "forced", signal: AbortSignal.abort() } as const;
  await t.rejects(requestTokensByRefresh(http, client, grant), { name: "OAuthError", kind: "transient" });
});
