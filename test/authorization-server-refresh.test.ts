import t from "tap";
import {
  createTestUser,
  startAuthorizationServer,
  UPSTREAM_CLIENT_ID,
} from "./helpers/authorization-server.js";
import { readClaims } from "./helpers/issuer/jwt.js";
import { post, postForm, postJson, refreshCode, refreshRequest } from "./helpers/upstream-requests.js";

t.test("refresh", async (t) => {
  const server = await startAuthorizationServer(t);
  const url = `${server.url}/oauth/token`;
  for (const [name, value] of Object.entries({
    client_id: "app_other",
    grant_type: "authorization_code",
    refresh_reason: "because",
    refresh_token: 1,
    scope: "openid",
  })) {
    t.test(`refuses a wrong ${name} and spends nothing`, async (t) => {
      const tokens = server.issueTokens();
      const response = await postJson(url, { ...refreshRequest(tokens.refresh_token), [name]: value });
      t.equal(response.status, name === "client_id" ? 401 : 400);
      t.match(server.violations.at(-1), `refresh: ${name}`);
      t.equal(await refreshCode(server, tokens.refresh_token), undefined);
    });
  }
  t.test("refuses a form, a content type with parameters, and a body that is no object", async (t) => {
    const request = refreshRequest(server.issueTokens().refresh_token);
    t.equal((await postForm(url, request)).status, 400);
    t.equal((await post(url, "application/json; charset=utf-8", JSON.stringify(request))).status, 400);
    t.equal((await postJson(url, [request])).status, 400);
    t.equal((await post(url, "application/json", "{")).status, 400);
  });
  t.test("rotates", async (t) => {
    const first = server.issueTokens();
    const exchangesBefore = server.exchanges;
    const second = await (await postJson(url, refreshRequest(first.refresh_token))).json();
    t.not(second.refresh_token, first.refresh_token);
    t.not(second.access_token, first.access_token);
    t.equal(server.exchanges, exchangesBefore + 1);
    t.ok(server.isAccessTokenValid(second.access_token));
  });
  t.test("refuses a reuse and revokes the whole family, and no other", async (t) => {
    const other = server.issueTokens();
    const first = server.issueTokens();
    const second = await (await postJson(url, refreshRequest(first.refresh_token))).json();
    const reused = await postJson(url, refreshRequest(first.refresh_token));
    t.equal(reused.status, 401);
    t.match(await reused.json(), { error: { code: "refresh_token_reused", message: /used/ } });
    t.equal(server.reuses, 1);
    t.notOk(server.isAccessTokenValid(second.access_token));
    t.equal(await refreshCode(server, second.refresh_token), "refresh_token_invalidated");
    t.ok(server.isAccessTokenValid(other.access_token));
  });
  t.test("refuses an unknown and an expired refresh token", async (t) => {
    t.equal(await refreshCode(server, "rt_unknown"), "refresh_token_invalidated");
    server.refreshTokenLifetimeSeconds = 0;
    t.equal(await refreshCode(server, server.issueTokens().refresh_token), "refresh_token_expired");
    server.refreshTokenLifetimeSeconds = 60;
  });
  t.test("issues for the user as it is now", async (t) => {
    const user = createTestUser({ email: "other@example.com" });
    const tokens = server.issueTokens(user);
    Object.assign(user, { planType: "plus", accessTokenLifetimeSeconds: 7 });
    const next = await (await postJson(url, refreshRequest(tokens.refresh_token))).json();
    t.equal(next.expires_in, 7);
    t.match(readClaims(next.id_token), { "https://api.openai.com/auth": { chatgpt_plan_type: "plus" } });
  });
});

t.test("revocation", async (t) => {
  const server = await startAuthorizationServer(t);
  const url = `${server.url}/oauth/revoke`;
  const tokens = server.issueTokens();
  const request = {
    token: tokens.refresh_token,
    token_type_hint: "refresh_token",
    client_id: UPSTREAM_CLIENT_ID,
  };
  t.equal((await postForm(url, request)).status, 400);
  t.equal((await postJson(url, { ...request, client_id: "app_other" })).status, 400);
  t.equal((await postJson(url, { ...request, token_type_hint: "access_token" })).status, 400);
  t.ok(server.isAccessTokenValid(tokens.access_token), "a refused request revokes nothing");
  t.equal((await postJson(url, request)).status, 200);
  t.notOk(server.isAccessTokenValid(tokens.access_token));
  t.equal(await refreshCode(server, tokens.refresh_token), "refresh_token_invalidated");
  const other = server.issueTokens().access_token;
  t.equal((await postJson(url, { token: other, token_type_hint: "access_token" })).status, 200);
  t.notOk(server.isAccessTokenValid(other));
});

t.test("clock", async (t) => {
  const server = await startAuthorizationServer(t, {
    clockSkewSeconds: 7200,
    accessTokenLifetimeSeconds: 60,
  });
  const tokens = server.issueTokens();
  const response = await postJson(`${server.url}/oauth/token`, refreshRequest(tokens.refresh_token));
  const { iat, exp } = readClaims(tokens.access_token);
  t.ok(Number(iat) > Date.now() / 1000 + 7000, "iat is ahead");
  t.equal(Number(exp) - Number(iat), 60);
  t.ok(Date.parse(response.headers.get("date") ?? "") > Date.now() + 7_000_000, "the Date header is ahead");
  t.ok(server.isAccessTokenValid(tokens.access_token));
  server.clockSkewSeconds += 61;
  t.notOk(server.isAccessTokenValid(tokens.access_token));
});
