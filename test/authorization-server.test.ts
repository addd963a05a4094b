import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import {
  type AuthorizationServer,
  createTestUser,
  startAuthorizationServer,
  UPSTREAM_CLIENT_ID,
} from "./helpers/authorization-server.js";
import { approveLogin, denyLogin, type VisitedPage, visit } from "./helpers/browser-user.js";
import { isSignedByIssuer, readClaims } from "./helpers/issuer/jwt.js";
import {
  authorizationParameters,
  authorizationUrl,
  CODE_VERIFIER,
  codeExchange,
  post,
  postForm,
  refreshCode,
} from "./helpers/upstream-requests.js";

const FORM = "application/x-www-form-urlencoded";

t.test("authorization endpoint", async (t) => {
  const server = await startAuthorizationServer(t);
  const wrong: Record<string, string> = {
    response_type: "token",
    client_id: "app_other",
    redirect_uri: "http://192.0.2.1:1455/auth/callback",
    code_challenge: "short",
    code_challenge_method: "plain",
    state: "short",
    scope: "openid",
    id_token_add_organizations: "false",
    codex_cli_simplified_flow: "1",
    originator: "",
    allowed_workspace_id: ",",
    nonce: "unheard-of",
  };
  for (const [name, value] of Object.entries(wrong)) {
    t.test(`refuses a wrong ${name} with a page that names it`, async (t) => {
      const page = await visit(authorizationUrl(server, { ...authorizationParameters(), [name]: value }));
      t.equal(page.status, 400);
      t.match(page.body, name);
      t.match(server.violations.at(-1), name);
    });
  }
  for (const name of Object.keys(authorizationParameters())) {
    t.test(`refuses a request without ${name}, and one that gives it twice`, async (t) => {
      const { [name]: value = "", ...others } = authorizationParameters();
      t.equal((await visit(authorizationUrl(server, others))).status, 400);
      t.equal(server.violations.at(-1), `authorize: ${name} is missing`);
      const twice = `${authorizationUrl(server)}&${new URLSearchParams({ [name]: value })}`;
      t.equal((await visit(twice)).status, 400);
      t.equal(server.violations.at(-1), `authorize: ${name} is given twice`);
    });
  }
  for (const uri of [
    "https://localhost:1455/auth/callback",
    "http://localhost.example:1455/auth/callback",
    "http://user@localhost:1455/auth/callback",
    "http://localhost:1455/auth/callback?x=1",
    "http://localhost:1455/other",
    "http://localhost:99999/auth/callback",
  ]) {
    t.test(`refuses the redirect URI ${uri}`, async (t) => {
      const parameters = { ...authorizationParameters(), redirect_uri: uri };
      const page = await visit(authorizationUrl(server, parameters));
      t.equal(page.status, 400);
      t.notOk(page.headers.location);
    });
  }
  t.test("takes each decision once", async (t) => {
    const page = await visit(authorizationUrl(server));
    const id = /name="request_id" value="([^"]*)"/.exec(page.body)?.[1] ?? "";
    const decision = { request_id: id, account: "me", decision: "cancel" };
    t.equal((await postForm(`${server.url}/oauth/authorize/decision`, decision)).status, 303);
    t.equal((await postForm(`${server.url}/oauth/authorize/decision`, decision)).status, 400);
  });
});

t.test("authorization response", async (t) => {
  const server = await startAuthorizationServer(t, { autoApprove: true });
  for (const host of ["localhost", "127.0.0.1"]) {
    t.test(`goes to ${host}, with code, scope and state`, async (t) => {
      const redirectUri = `http://${host}:1455/auth/callback`;
      const sent = authorizationParameters();
      const parameters = { ...sent, redirect_uri: redirectUri, allowed_workspace_id: "a,b" };
      const response = await fetch(authorizationUrl(server, parameters), { redirect: "manual" });
      const location = new URL(response.headers.get("location") ?? "");
      t.equal(response.status, 302);
      t.equal(`${location.origin}${location.pathname}`, redirectUri);
      t.same([...location.searchParams.keys()], ["code", "scope", "state"]);
      t.equal(location.searchParams.get("state"), sent.state);
      t.equal(location.searchParams.get("scope"), sent.scope);
    });
  }
  t.test("of a click on Cancel says access_denied", async (t) => {
    server.autoApprove = false;
    const { response } = await logInThroughPage(t, server, (url) => denyLogin(url));
    t.equal(response.get("error"), "access_denied");
    t.ok(response.get("error_description"));
    t.ok(response.get("state"));
    t.notOk(response.get("code"));
  });
  t.test("leaves no violation behind", async (t) => {
    t.same(server.violations, []);
  });
});

t.test("code exchange", async (t) => {
  const server = await startAuthorizationServer(t, { autoApprove: true });
  const url = `${server.url}/oauth/token`;
  for (const [name, value] of Object.entries({
    grant_type: "password",
    client_id: "app_other",
    code: "ac_unknown",
    redirect_uri: "http://localhost:1455/auth/callback",
    code_verifier: CODE_VERIFIER.slice(1),
    scope: "openid",
  })) {
    t.test(`refuses a wrong ${name}`, async (t) => {
      const response = await postForm(url, { ...codeExchange(await newCode(server)), [name]: value });
      t.ok([400, 401].includes(response.status));
      t.match(server.violations.at(-1), name);
      t.match((await response.json()).error, /invalid_(grant|request|client)/);
    });
  }
  for (const verifier of ["a".repeat(42), "a".repeat(129), `${"a".repeat(43)}!`]) {
    t.test(`refuses the form of a verifier of ${verifier.length} characters`, async (t) => {
      const exchange = { ...codeExchange(await newCode(server)), code_verifier: verifier };
      t.equal((await postForm(url, exchange)).status, 400);
      t.equal(server.violations.at(-1), "token: code_verifier is wrong");
    });
  }
  for (const type of [`${FORM};charset=UTF-8`, "text/plain", "application/json"]) {
    t.test(`refuses the content type ${type}`, async (t) => {
      const body = new URLSearchParams(codeExchange(await newCode(server))).toString();
      t.equal((await post(url, type, body)).status, 400);
    });
  }
  t.test("refuses parameters in the URL", async (t) => {
    t.equal((await postForm(`${url}?x=1`, codeExchange(await newCode(server)))).status, 400);
  });
  t.test("answers tokens with the claims that upstream reads", async (t) => {
    const response = await postForm(url, codeExchange(await newCode(server)));
    const tokens = await response.json();
    t.equal(response.status, 200);
    t.match(tokens, {
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: /^rt_/,
      scope: /offline_access/,
    });
    const identity = {
      chatgpt_plan_type: "pro",
      chatgpt_user_id: "user-fake-1",
      chatgpt_account_id: "acct-fake-0001",
    };
    t.match(readClaims(tokens.id_token), {
      email: "me@example.com",
      "https://api.openai.com/auth": identity,
    });
    t.match(readClaims(tokens.access_token), {
      "https://api.openai.com/auth": identity,
      "https://api.openai.com/profile": { email: "me@example.com" },
    });
    t.ok(isSignedByIssuer(tokens.id_token) && isSignedByIssuer(tokens.access_token));
    t.notOk(isSignedByIssuer(`${tokens.id_token.slice(0, -8)}AAAAAAAA`));
    t.ok(server.isAccessTokenValid(tokens.access_token));
  });
  t.test("refuses a second use of a code and revokes what the first one issued", async (t) => {
    const code = await newCode(server);
    const tokens = await (await postForm(url, codeExchange(code))).json();
    const again = await postForm(url, codeExchange(code));
    t.equal(again.status, 400);
    t.equal((await again.json()).error, "invalid_grant");
    t.notOk(server.isAccessTokenValid(tokens.access_token));
    t.equal(await refreshCode(server, tokens.refresh_token), "refresh_token_invalidated");
  });
  t.test("a wrong try spends the code", async (t) => {
    const code = await newCode(server);
    await postForm(url, { ...codeExchange(code), code_verifier: "a".repeat(43) });
    t.equal((await postForm(url, codeExchange(code))).status, 400);
  });
  t.test("gives an API key for an id_token of its own only", async (t) => {
    const exchange = {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      client_id: UPSTREAM_CLIENT_ID,
      requested_token: "openai-api-key",
      subject_token: server.issueTokens().id_token,
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    };
    t.match(await (await postForm(url, exchange)).json(), { access_token: /^sk-fake-/ });
    t.equal((await postForm(url, { ...exchange, subject_token: "a.b.c" })).status, 400);
    server.apiKeyAnswer = { status: 403, body: { error: "forbidden" } };
    t.equal((await postForm(url, exchange)).status, 403);
  });
});

t.test("one e-mail with two accounts", async (t) => {
  const users = [createTestUser(), createTestUser({ accountId: "acct-work" })] as const;
  const server = await startAuthorizationServer(t, { users });
  const account = "me@example.com (acct-work)";
  const login = await logInThroughPage(t, server, (url) => approveLogin(url, { account }));
  const exchange = { ...codeExchange(login.response.get("code") ?? ""), redirect_uri: login.redirectUri };
  t.equal((await postForm(`${server.url}/oauth/token`, exchange)).status, 200);
  t.equal(server.families.at(-1)?.user, users[1]);
  server.signIn(users[1]);
  t.equal(readClaims(server.issueTokens().id_token).email, "me@example.com");
  t.throws(() => server.signIn(createTestUser()), TypeError);
});

async function newCode(server: AuthorizationServer): Promise<string> {
  const response = await fetch(authorizationUrl(server), { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "").searchParams.get("code") ?? "";
}

/** Signs in with a loopback listener at the end, and tells the authorization response. */
async function logInThroughPage(
  t: Test,
  server: AuthorizationServer,
  act: (url: string) => Promise<VisitedPage>,
): Promise<{ redirectUri: string; response: URLSearchParams }> {
  const listener = createServer((_request, response) => response.end("done")).listen(0, "127.0.0.1");
  t.teardown(() => listener.close());
  await once(listener, "listening");
  const redirectUri = `http://localhost:${(listener.address() as AddressInfo).port}/auth/callback`;
  const page = await act(
    authorizationUrl(server, { ...authorizationParameters(), redirect_uri: redirectUri }),
  );
  return { redirectUri, response: new URL(page.url).searchParams };
}
