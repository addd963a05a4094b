import { Redacted } from "@codex-authd/shared";
import t from "tap";
import { createHttp } from "#daemon/net/http.js";
import { DIRECT } from "#daemon/net/network-settings.js";
import { DEFAULT_CLIENT_ID } from "#daemon/oauth/oauth-client.js";
import { revokeToken } from "#daemon/oauth/revocation.js";
import { startCannedServer } from "../helpers/canned-server.js";

/** codex-cli 0.169, requests 219 and 222. */
const CAPTURED = {
  headers: ["content-type", "originator", "user-agent", "accept", "content-length"],
  refreshToken:
    '{"token":"rt_fake_login_7bc37dee","token_type_hint":"refresh_token","client_id":"app_EMoamEEZ73f0CkXaXp7hrann"}',
  accessToken: '{"token":"eyJ.fake.token","token_type_hint":"access_token"}',
};

/** Nobody listens on port 1. */
const NOWHERE = "http://127.0.0.1:1";

const http = createHttp().through(DIRECT);
const clientOf = (issuer: string) => ({
  issuer,
  clientId: DEFAULT_CLIENT_ID,
  originator: "codex_cli_rs",
  userAgent: "codex-authd/0.1.0",
});
const REFRESH_TOKEN = {
  token: new Redacted("rt_fake_login_7bc37dee"),
  tokenTypeHint: "refresh_token",
} as const;

t.test("a refusal is an error that says what to do", async (t) => {
  const server = await startCannedServer(t, [{ status: 400 }, { status: 500 }]);
  await t.rejects(revokeToken(http, clientOf(server.url), REFRESH_TOKEN), {
    name: "OAuthError",
    kind: "terminal",
    status: 400,
  });
  await t.rejects(revokeToken(http, clientOf(server.url), REFRESH_TOKEN), {
    name: "OAuthError",
    kind: "transient",
    message: /the revocation \(500\)\. Try again/,
  });
});

t.test("an issuer that cannot be reached is an error", async (t) => {
  const revoked = revokeToken(http, clientOf(NOWHERE), REFRESH_TOKEN);
  await t.rejects(revoked, { name: "OAuthError", kind: "transient" });
});

t.test("the revocation of a refresh token is field by field the one of codex-cli 0.169", async (t) => {
  const server = await startCannedServer(t, [{ body: {} }]);
  await revokeToken(http, clientOf(server.url), REFRESH_TOKEN);
  const [request] = server.requests;
  t.equal(request?.method, "POST");
  t.equal(request?.target, "/oauth/revoke");
  t.equal(request?.body, CAPTURED.refreshToken);
  const names = request?.headers
    .map(([name]) => name)
    .filter((name) => !["host", "connection"].includes(name));
  t.strictSame(names, CAPTURED.headers);
  t.match(Object.fromEntries(request?.headers ?? []), {
    originator: "codex_cli_rs",
    "content-length": "111",
  });
});

t.test("the revocation of an access token names no client", async (t) => {
  const server = await startCannedServer(t, [{}]);
  const token = new Redacted("eyJ.fake.token");
  await revokeToken(http, clientOf(server.url), { token, tokenTypeHint: "access_token" });
  t.equal(server.requests[0]?.body, CAPTURED.accessToken);
});
