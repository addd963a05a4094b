/** The exchanges one after the other, against an issuer that refuses whatever departs from codex-cli 0.169. */
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createHttp } from "#daemon/net/http.js";
import { DIRECT } from "#daemon/net/network-settings.js";
import { createPortHolderFinder } from "#daemon/net/port-holder.js";
import { authorizationUrl } from "#daemon/oauth/authorization-request.js";
import { awaitDeviceAuthorization, beginDeviceAuthorization } from "#daemon/oauth/device-authorization.js";
import { readJwtClaims } from "#daemon/oauth/jwt-claims.js";
import { createLoopbackRedirects } from "#daemon/oauth/loopback-redirect.js";
import { DEFAULT_CLIENT_ID, DEFAULT_ORIGINATOR, type OAuthClient } from "#daemon/oauth/oauth-client.js";
import { successPage } from "#daemon/oauth/pages/success.js";
import { createPkce, createState } from "#daemon/oauth/pkce.js";
import { revokeToken } from "#daemon/oauth/revocation.js";
import { requestTokensByCode, requestTokensByRefresh } from "#daemon/oauth/token-request.js";
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
  type Fault,
} from "../helpers/authorization-server.js";
import { approveDevice, approveLogin, denyDevice, denyLogin } from "../helpers/browser-user.js";

const http = createHttp().through(DIRECT);

async function startIssuer(t: Test, options: AuthorizationServerOptions = {}) {
  const server = await createAuthorizationServer(options);
  t.teardown(() => server.close());
  return { server, client: clientOf(server) };
}

const clientOf = (server: AuthorizationServer): OAuthClient => ({
  issuer: server.url,
  clientId: DEFAULT_CLIENT_ID,
  originator: DEFAULT_ORIGINATOR,
  userAgent: "codex-authd/0.1.0",
});

/** All that is done before the person looks at the issuer's page. */
async function beginBrowserLogin(t: Test, client: OAuthClient) {
  const redirects = createLoopbackRedirects({ clock: systemClock, findHolder: createPortHolderFinder() });
  t.teardown(() => redirects.close());
  const state = createState();
  const { codeVerifier, codeChallenge } = createPkce();
  const pending = await redirects.expect(state, { ports: [0], redirectHost: "127.0.0.1" });
  const { redirectUri } = pending;
  return { pending, codeVerifier, url: authorizationUrl(client, { redirectUri, codeChallenge, state }) };
}

async function logIn(t: Test, client: OAuthClient) {
  const { pending, codeVerifier, url } = await beginBrowserLogin(t, client);
  const page = approveLogin(url);
  const response = await pending.response;
  if (response.kind !== "code") throw new TypeError(`a code was expected, not ${response.kind}`);
  const { redirectUri } = pending;
  const tokens = await requestTokensByCode(http, client, { code: response.code, redirectUri, codeVerifier });
  const email = readJwtClaims(tokens.idToken.reveal())?.email ?? null;
  pending.answer(successPage({ email, planType: "pro" }));
  pending.close();
  return { tokens, page: await page, again: { code: response.code, redirectUri, codeVerifier } };
}

t.test("a browser login that the person refuses", async (t) => {
  const { server, client } = await startIssuer(t);
  const { pending, url } = await beginBrowserLogin(t, client);
  const page = denyLogin(url);
  t.match(await pending.response, { kind: "error", error: "access_denied" });
  pending.close();
  t.match((await page).body, "Sign-in cancelled");
  t.strictSame(server.violations, []);
});

t.test("a device login that the person refuses", async (t) => {
  const { server, client } = await startIssuer(t);
  const authorization = await beginDeviceAuthorization(http, client);
  await denyDevice(authorization.verificationUri, authorization.userCode);
  const options = { clock: systemClock, signal: new AbortController().signal };
  await t.rejects(awaitDeviceAuthorization(http, client, authorization, options), {
    name: "OAuthError",
    oauthError: "access_denied",
  });
  t.strictSame(server.violations, []);
});

t.test("a device login where the issuer does not offer it", async (t) => {
  const { client } = await startIssuer(t, { isDeviceLoginEnabled: false });
  await t.rejects(beginDeviceAuthorization(http, client), { name: "OAuthError", message: /is not enabled/ });
});

t.test("a browser login, a refresh and a revocation", async (t) => {
  const { server, client } = await startIssuer(t);
  const { tokens, page, again } = await logIn(t, client);
  t.equal(page.status, 200);
  t.match(page.body, "<bdi>me<wbr>@example<wbr>.com</bdi>");
  t.ok(server.isAccessTokenValid(tokens.accessToken.reveal()));
  t.strictSame(server.violations, []);

  const refreshed = await requestTokensByRefresh(http, client, {
    refreshToken: tokens.refreshToken,
    reason: "forced",
  });
  t.not(refreshed.refreshToken?.reveal(), tokens.refreshToken.reveal());
  t.equal(typeof refreshed.issuerDateMs, "number");
  t.strictSame(server.violations, []);

  await revokeToken(http, client, {
    token: refreshed.refreshToken ?? tokens.refreshToken,
    tokenTypeHint: "refresh_token",
  });
  t.notOk(server.isAccessTokenValid(refreshed.accessToken?.reveal() ?? ""));
  t.strictSame(server.violations, []);

  await t.rejects(
    requestTokensByRefresh(http, client, { refreshToken: tokens.refreshToken, reason: "forced" }),
    { name: "OAuthError", kind: "terminal", status: 401 },
    "what was revoked is refused for good",
  );
  await t.rejects(requestTokensByCode(http, client, again), {
    name: "OAuthError",
    kind: "terminal",
    oauthError: "invalid_grant",
  });
});

t.test("a device login", async (t) => {
  const { server, client } = await startIssuer(t);
  server.scriptDevicePolls([403, 404]);
  const authorization = await beginDeviceAuthorization(http, client);
  await approveDevice(authorization.verificationUri, authorization.userCode);
  const options = { clock: systemClock, signal: new AbortController().signal };
  const grant = await awaitDeviceAuthorization(http, client, authorization, options);
  const tokens = await requestTokensByCode(http, client, grant);
  t.equal(readJwtClaims(tokens.idToken.reveal())?.email, "me@example.com");
  t.equal(server.requestsTo("deviceToken").length, 3);
  t.strictSame(server.violations, []);
});

t.test("a spent refresh token is refused for good", async (t) => {
  const { server, client } = await startIssuer(t);
  const { tokens } = await logIn(t, client);
  const grant = { refreshToken: tokens.refreshToken, reason: "proactive_expiry" } as const;
  await requestTokensByRefresh(http, client, grant);
  await t.rejects(requestTokensByRefresh(http, client, grant), {
    name: "OAuthError",
    kind: "terminal",
    oauthError: "refresh_token_reused",
  });
  t.equal(server.reuses, 1);
});

t.test("what goes wrong with a refresh is told for what it is", async (t) => {
  const faults: Record<string, [fault: Fault, kind: string]> = {
    "a reset after the token was spent": [{ kind: "reset", afterCommit: true }, "ambiguous"],
    "a reset before it was read": [{ kind: "reset" }, "ambiguous"],
    "half an answer": [{ kind: "truncated" }, "ambiguous"],
    "a page under 200": [{ kind: "garbage", afterCommit: true }, "ambiguous"],
    "an empty 200": [{ kind: "empty", afterCommit: true }, "ambiguous"],
    "32 MiB": [{ kind: "huge" }, "ambiguous"],
    "a 503": [{ kind: "status", status: 503 }, "transient"],
    "a 429": [{ kind: "status", status: 429, headers: { "retry-after": "2" } }, "transient"],
    "a redirect": [{ kind: "redirect" }, "transient"],
  };
  const { server, client } = await startIssuer(t);
  for (const [name, [fault, kind]] of Object.entries(faults)) {
    t.test(`${name} is ${kind}`, async (t) => {
      const { tokens } = await logIn(t, client);
      server.failNext("refresh", fault);
      const before = server.requestsTo("refresh").length;
      const grant = { refreshToken: tokens.refreshToken, reason: "forced" } as const;
      await t.rejects(requestTokensByRefresh(http, client, grant), { name: "OAuthError", kind });
      t.equal(server.requestsTo("refresh").length, before + 1, "and it was sent once");
    });
  }
  t.test("a wrong content type does not lose the tokens", async (t) => {
    const { tokens } = await logIn(t, client);
    server.failNext("refresh", { kind: "wrongContentType" });
    const grant = { refreshToken: tokens.refreshToken, reason: "forced" } as const;
    t.ok((await requestTokensByRefresh(http, client, grant)).refreshToken);
  });
});

t.test("an issuer that is down is transient", async (t) => {
  const { server, client } = await startIssuer(t);
  const { tokens } = await logIn(t, client);
  await server.close();
  const grant = { refreshToken: tokens.refreshToken, reason: "forced" } as const;
  await t.rejects(requestTokensByRefresh(http, client, grant), { name: "OAuthError", kind: "transient" });
});
