import { AuthError, type AuthErrorCode } from "@codex-authd/shared";
import t from "tap";
import { startRpc } from "../helpers/rpc-harness.js";

const TOKEN = {
  accessToken: "the-token",
  expiresAtMs: null,
  accountId: null,
  planType: null,
  generation: 1,
};

t.test("a query that token/get would not take is 400 and names the field", async (t) => {
  const { send } = await startRpc(t);
  const refused = async (query: string, field: RegExp) => {
    const answer = await send({ path: `/v1/token?${query}` });
    t.match(answer, { status: 400, headers: { "content-type": /^text\/plain/ }, body: field });
  };
  await refused("codexHome=relative", /codexHome: must be an absolute path\n$/);
  await refused("codexHome=/a&codexHome=/b", /codexHome: /);
  await refused("minValidityMs=-1", /minValidityMs: /);
  await refused("minValidityMs=1e3", /minValidityMs: /);
  await refused("minValidityMs=", /minValidityMs: /);
  await refused("minValidityMs=86400001", /minValidityMs: /);
  await refused("codexhome=/a", /codexhome/);
});

t.test("an error is a line of text, with its code in a header", async (t) => {
  const rows: [AuthErrorCode, number][] = [
    ["ERR_LOGIN_REQUIRED", 409],
    ["ERR_REFRESH_REJECTED", 409],
    ["ERR_RATE_LIMITED", 429],
    ["ERR_ISSUER_UNAVAILABLE", 503],
    ["ERR_CALLER_REFUSED", 403],
  ];
  for (const [code, status] of rows) {
    const { send } = await startRpc(t, {
      handlers: {
        "token/get": async () => {
          throw new AuthError(code, "Do this.");
        },
      },
    });
    const answer = await send({ path: "/v1/token" });
    t.match(answer, { status, body: "Do this.\n", headers: { "codex-authd-error": code } });
  }
});

t.test("an unexpected failure says nothing", async (t) => {
  const { send } = await startRpc(t, {
    handlers: {
      "token/get": async () => {
        throw new Error("secret");
      },
    },
  });
  const answer = await send({ path: "/v1/token" });
  t.equal(answer.status, 500);
  t.notMatch(answer.body, /secret/);
});

t.test("the token comes as a line of text", async (t) => {
  const calls: unknown[] = [];
  const { send } = await startRpc(t, {
    handlers: {
      "token/get": async (params) => {
        calls.push(params);
        return TOKEN;
      },
    },
  });
  t.match(await send({ path: "/v1/token" }), {
    status: 200,
    body: "the-token\n",
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
  await send({ path: "/v1/token?codexHome=%2Fhome%2Fme&minValidityMs=60000" });
  await send({ path: "/v1/token?cwd=%2Fwork" });
  t.same(calls, [
    {},
    { codexHome: "/home/me", minValidityMs: 60_000 },
    { childEnvironment: { cwd: "/work", variables: {} } },
  ]);
});
