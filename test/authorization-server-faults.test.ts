import { setImmediate } from "node:timers/promises";
import t, { type Test } from "tap";
import {
  type AuthorizationServer,
  createTestUser,
  type Fault,
  startAuthorizationServer,
} from "./helpers/authorization-server.js";
import { readClaims } from "./helpers/issuer/jwt.js";
import { authorizationUrl, postJson, refreshRequest } from "./helpers/upstream-requests.js";

interface Outcome {
  readonly response: Response;
  readonly body: string;
  readonly isSpent: boolean;
}

/** Refreshes into a fault; tells the answer and whether the refresh token was spent. */
async function refreshInto(t: Test, fault: Fault): Promise<Outcome> {
  const server = await startAuthorizationServer(t);
  server.failNext("refresh", fault);
  const response = await refresh(server);
  const body = await response.text().catch(String);
  return { response, body, isSpent: server.exchanges === 1 };
}

t.test("a status comes with its headers and body, and nothing is spent", async (t) => {
  const fault = {
    kind: "status",
    status: 429,
    body: { error: "slow" },
    headers: { "retry-after": "7" },
  } as const;
  const { response, body, isSpent } = await refreshInto(t, fault);
  t.equal(response.status, 429);
  t.equal(response.headers.get("retry-after"), "7");
  t.equal(body, '{"error":"slow"}');
  t.notOk(isSpent);
});

t.test("a status after the commit leaves the token spent", async (t) => {
  const { response, isSpent } = await refreshInto(t, { kind: "status", status: 502, afterCommit: true });
  t.equal(response.status, 502);
  t.ok(isSpent);
});

t.test("garbage claims to be JSON and is not", async (t) => {
  const { response, body } = await refreshInto(t, { kind: "garbage" });
  t.match(response.headers.get("content-type"), "application/json");
  t.throws(() => JSON.parse(body));
});

t.test("an empty answer is a 200 without a body", async (t) => {
  const { response, body } = await refreshInto(t, { kind: "empty" });
  t.equal(response.status, 200);
  t.equal(body, "");
});

t.test("a truncated answer breaks off in the middle of the body", async (t) => {
  const { body, isSpent } = await refreshInto(t, { kind: "truncated" });
  t.match(body, /terminated/);
  t.ok(isSpent);
});

t.test("a wrong content type hides a good body", async (t) => {
  const { response, body } = await refreshInto(t, { kind: "wrongContentType" });
  t.equal(response.headers.get("content-type"), "text/html");
  t.ok(JSON.parse(body).access_token);
});

t.test("a redirect points elsewhere", async (t) => {
  const { response, isSpent } = await refreshInto(t, { kind: "redirect", location: "http://127.0.0.1:9/x" });
  t.equal(response.status, 302);
  t.equal(response.headers.get("location"), "http://127.0.0.1:9/x");
  t.notOk(isSpent);
});

t.test("a huge answer has the size that was asked for", async (t) => {
  const { body } = await refreshInto(t, { kind: "huge", bytes: 100_000 });
  t.ok(body.length > 100_000);
});

t.test("a missing field is the only one that is missing", async (t) => {
  const { body } = await refreshInto(t, { kind: "missingField", field: "access_token" });
  t.same(Object.keys(JSON.parse(body)), ["id_token", "refresh_token", "token_type", "expires_in", "scope"]);
});

t.test("another account's tokens come in the right shape", async (t) => {
  const { body } = await refreshInto(t, {
    kind: "otherAccount",
    user: createTestUser({ accountId: "acct-2" }),
  });
  const claims = readClaims(JSON.parse(body).access_token);
  t.match(claims, { "https://api.openai.com/auth": { chatgpt_account_id: "acct-2" } });
});

t.test("a delay ends in the true answer", async (t) => {
  t.equal((await refreshInto(t, { kind: "delay", delayMs: 1 })).response.status, 200);
});

for (const afterCommit of [false, true]) {
  t.test(`a reset ${afterCommit ? "after" : "before"} the commit`, async (t) => {
    const server = await startAuthorizationServer(t);
    server.failNext("refresh", { kind: "reset", afterCommit });
    await t.rejects(refresh(server), { cause: { code: /ECONNRESET|UND_ERR_SOCKET/ } });
    t.equal(server.exchanges, afterCommit ? 1 : 0);
    t.equal(server.requests.length, 1);
  });

  t.test(`a hang ${afterCommit ? "after" : "before"} the commit lasts until the server closes`, async (t) => {
    const server = await startAuthorizationServer(t);
    server.failNext("refresh", { kind: "hang", afterCommit });
    const answer = refresh(server);
    while (server.requests.length === 0) await setImmediate();
    t.equal(server.exchanges, afterCommit ? 1 : 0);
    await Promise.all([t.rejects(answer), server.close()]);
  });
}

t.test("a held request waits, and others overtake it", async (t) => {
  const server = await startAuthorizationServer(t);
  const hold = server.hold("refresh");
  const held = refresh(server);
  t.equal((await hold.arrived).endpoint, "refresh");
  t.equal((await refresh(server)).status, 200);
  t.equal(server.exchanges, 1);
  hold.release();
  t.equal((await held).status, 200);
  t.equal(server.exchanges, 2);
});

t.test("a held request may be carried out first, and released into a fault", async (t) => {
  const server = await startAuthorizationServer(t);
  const hold = server.hold("refresh", { afterCommit: true });
  const held = refresh(server);
  await hold.arrived;
  t.equal(server.exchanges, 1);
  hold.release({ kind: "status", status: 504 });
  t.equal((await held).status, 504);
});

t.test("faults are met in their order, by their endpoint only, as often as asked", async (t) => {
  const server = await startAuthorizationServer(t);
  server.failNext("refresh", { kind: "status", status: 503 }, 2);
  server.failNext("refresh", { kind: "status", status: 500 });
  server.failNext("authorize", { kind: "status", status: 418 });
  const statuses: number[] = [];
  for (let count = 0; count < 4; count += 1) statuses.push((await refresh(server)).status);
  t.same(statuses, [503, 503, 500, 200]);
  t.equal((await fetch(authorizationUrl(server))).status, 418);
});

t.test("a request in the wrong form is recorded even when a fault answers it", async (t) => {
  const server = await startAuthorizationServer(t);
  server.failNext("refresh", { kind: "status", status: 503 });
  t.equal((await postJson(`${server.url}/oauth/token`, {})).status, 503);
  t.match(server.violations, ["refresh: client_id is missing"]);
});

t.test("requests are recorded as they came", async (t) => {
  const server = await startAuthorizationServer(t);
  await refresh(server);
  const [request] = server.requestsTo("refresh");
  t.match(request, { method: "POST", path: "/oauth/token", parsed: { grant_type: "refresh_token" } });
  t.match(request?.body, /^\{"client_id":/);
  t.ok(request?.headers.some(([name, value]) => name === "content-type" && value === "application/json"));
});

t.test("what is no endpoint is 404 and a violation", async (t) => {
  const server = await startAuthorizationServer(t);
  t.equal((await fetch(`${server.url}/oauth/token`)).status, 404);
  t.same(server.violations, ["GET /oauth/token is no endpoint"]);
});

t.test("closing twice is fine, and an outage ends on the same port", async (t) => {
  const server = await startAuthorizationServer(t);
  const tokens = server.issueTokens();
  await server.close();
  await server.close();
  await t.rejects(refresh(server, tokens.refresh_token));
  await server.listen();
  t.equal((await refresh(server, tokens.refresh_token)).status, 200);
});

t.test("the control API for other processes", async (t) => {
  const server = await startAuthorizationServer(t);
  const control = `${server.url}/__control`;
  t.test("refuses pages of a browser, unknown commands and unknown settings", async (t) => {
    t.equal((await fetch(`${control}/state`, { headers: { origin: "http://example.com" } })).status, 403);
    t.equal((await fetch(`${control}/other`)).status, 404);
    t.equal((await postJson(`${control}/settings`, { other: 1 })).status, 400);
  });
  t.test("changes settings, scripts faults, and tells the state", async (t) => {
    await postJson(`${control}/settings`, { accessTokenLifetimeSeconds: 5 });
    await postJson(`${control}/fault`, { endpoint: "refresh", fault: { kind: "status", status: 503 } });
    const tokens = await (await postJson(`${control}/sign-in`, {})).json();
    t.equal(tokens.expires_in, 5);
    t.equal((await refresh(server, tokens.refresh_token)).status, 503);
    t.match(await (await fetch(`${control}/state`)).json(), {
      exchanges: 0,
      requests: [{ endpoint: "refresh" }],
    });
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    t.same(await (await fetch(`${control}/access-token`, { headers })).json(), { isValid: true });
  });
});

function refresh(
  server: AuthorizationServer,
  refreshToken = server.issueTokens().refresh_token,
): Promise<Response> {
  return postJson(`${server.url}/oauth/token`, refreshRequest(refreshToken));
}
