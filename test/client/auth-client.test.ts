import { AuthError, type MethodName } from "@codex-authd/shared";
import { METHODS } from "@codex-authd/shared/schema";
import t, { type Test } from "tap";
import { type AuthClient, type AuthClientOptions, createAuthClient } from "#client/index.js";
import { createFakeDaemon, type FakeDaemon, sessionStatus } from "../helpers/fake-daemon.js";
import { createManualClock } from "../helpers/manual-clock.js";

const LOGIN_ID = "00000000-0000-4000-8000-000000000001";
const PENDING = {
  loginId: LOGIN_ID,
  codexHome: "/home/ada/.codex",
  expiresAtMs: Date.parse("2026-11-22T12:10:00Z"),
  flow: "browser",
  authorizationUrl: "https://auth.openai.com/oauth/authorize?x=1",
  redirectUri: "http://localhost:1455/auth/callback",
} as const;

/** A failure without a name is explained by the daemon's log alone, so its place is said. */
const LOG_HINT = /^The daemon failed: Oh\. Look at its log: .*codex-authd\.log .*XDG_STATE_HOME.*stderr/;

/** Each row of the table has its method: the compiler checks the names, the first test that they are there. */
const CLIENT_METHODS = {
  "daemon/shutdown": "shutdownDaemon",
  "daemon/status": "getDaemonStatus",
  "login/await": "awaitLogin",
  "login/begin": "beginLogin",
  "login/cancel": "cancelLogin",
  "login/complete": "completeLogin",
  "login/explain": "explainLogin",
  "session/explain": "explainCredential",
  "session/list": "listSessions",
  "session/logout": "logout",
  "session/refresh": "refresh",
  "session/status": "getStatus",
  "token/get": "getAccessToken",
} as const satisfies Record<MethodName, keyof AuthClient>;

async function setUp(
  t: Test,
  handlers: FakeDaemon["handlers"] = {},
  options: AuthClientOptions = {},
): Promise<{ daemon: FakeDaemon; client: AuthClient }> {
  const daemon = await createFakeDaemon(handlers);
  const env = { ...daemon.env, CODEX_HOME: "/home/ada/.codex", OPENAI_API_KEY: "sk-secret" };
  const client = createAuthClient({ env, cwd: "/work", autostart: false, ...options });
  t.teardown(async () => {
    await client.close();
    await daemon.close();
  });
  return { daemon, client };
}

t.test("every row of the table of methods has a method", async (t) => {
  t.same(Object.keys(CLIENT_METHODS), Object.keys(METHODS));
  const { client } = await setUp(t);
  for (const name of Object.values(CLIENT_METHODS)) t.type(client[name], "function", name);
});

t.test("a socket path that cannot be used is refused at once", async (t) => {
  t.throws(() => createAuthClient({ socketPath: "relative.sock" }), { code: "ERR_CONFIG_INVALID" });
});

t.test("errors of the daemon keep their name, and the others get one", async (t) => {
  const { daemon, client } = await setUp(t, {
    "session/status": () => {
      throw new AuthError("ERR_REFRESH_REJECTED", "It has ended.", { oauthError: "refresh_token_reused" });
    },
  });
  await t.rejects(client.getStatus(), {
    name: "AuthError",
    code: "ERR_REFRESH_REJECTED",
    message: "It has ended.",
    oauthError: "refresh_token_reused",
  });
  await t.rejects(client.listSessions(), { code: "ERR_DAEMON_VERSION", message: /Upgrade the daemon/ });
  const answers = [
    ['{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"codexHome: bad"}}', { name: "TypeError" }],
    [
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Oh."}}',
      { name: "Error", message: LOG_HINT },
    ],
    ["not JSON", { code: "ERR_DAEMON_VERSION" }],
    ["{}", { code: "ERR_DAEMON_VERSION" }],
  ] as const;
  for (const [body, wanted] of answers) {
    daemon.intercept = (_request, response) => {
      response.end(body);
      return true;
    };
    await t.rejects(client.getStatus(), wanted, body);
  }
});

t.test("a caller who is refused by HTTP learns so by name", async (t) => {
  const { daemon, client } = await setUp(t);
  daemon.intercept = (_request, response) => {
    response.writeHead(403, { "codex-authd-error": "ERR_CALLER_REFUSED" }).end("Refused: too many.\n");
    return true;
  };
  await t.rejects(client.getStatus(), { code: "ERR_CALLER_REFUSED", message: "Refused: too many." });
});

t.test("sends the child environment with the allowed variables alone", async (t) => {
  const { daemon, client } = await setUp(t, { "session/status": () => sessionStatus() });
  await client.getStatus();
  t.same(daemon.calls[0]?.params, {
    childEnvironment: {
      cwd: "/work",
      variables: { CODEX_HOME: "/home/ada/.codex", HOME: daemon.folder },
      present: ["OPENAI_API_KEY"],
    },
  });
});

t.test(
  "a Codex home that is named goes along with the child environment, whose project counts",
  async (t) => {
    const { daemon, client } = await setUp(t, {
      "session/status": () => sessionStatus(),
      "login/begin": () => PENDING,
    });
    await client.getStatus({ codexHome: "/other" });
    await client.beginLogin({ codexHome: "/other", flow: "device" });
    const named = { codexHome: "/other", childEnvironment: { cwd: "/work" } };
    t.match(daemon.calls[0]?.params, named);
    t.match(daemon.calls[1]?.params, { ...named, flow: "device" });
  },
);

t.test("awaitLogin asks again until the login ends", async (t) => {
  const answers = [
    { state: "pending", flow: "browser", expiresAtMs: PENDING.expiresAtMs },
    { state: "loggedIn", status: sessionStatus() },
  ];
  const { daemon, client } = await setUp(t, { "login/await": () => answers.shift() });
  t.match(await client.awaitLogin({ loginId: LOGIN_ID }), { email: "ada@example.com" });
  t.same(
    daemon.calls.map((call) => call.params),
    Array(2).fill({ loginId: LOGIN_ID, timeoutMs: 60_000 }),
  );
});

t.test("awaitLogin gives up after its time, and says that the login is still pending", async (t) => {
  const clock = createManualClock();
  const { daemon, client } = await setUp(
    t,
    {
      "login/await": async ({ timeoutMs }) => {
        await clock.advance(Number(timeoutMs));
        return { state: "pending", flow: "browser", expiresAtMs: PENDING.expiresAtMs };
      },
    },
    { clock },
  );
  await t.rejects(client.awaitLogin({ loginId: LOGIN_ID, timeoutMs: 90_000 }), {
    code: "ERR_LOGIN_EXPIRED",
    message: /within 90 s.*still pending/,
  });
  t.same(
    daemon.calls.map((call) => call.params.timeoutMs),
    [60_000, 30_000],
  );
});

t.test("login answers a usable session without a browser", async (t) => {
  const { daemon, client } = await setUp(t, { "session/status": () => sessionStatus() });
  t.match(await client.login({ interactive: false }), { state: "active" });
  t.same(daemon.count("login/begin"), 0);
});

t.test("login without a person is ERR_LOGIN_NOT_INTERACTIVE, and begins nothing", async (t) => {
  const { daemon, client } = await setUp(t, {
    "session/status": () => sessionStatus({ state: "signedOut" }),
  });
  await t.rejects(client.login({ interactive: false }), { code: "ERR_LOGIN_NOT_INTERACTIVE" });
  t.equal(daemon.count("login/begin"), 0);
});

t.test("login begins, shows, opens the browser and waits, in this order", async (t) => {
  const order: string[] = [];
  const { client } = await setUp(t, {
    "session/status": () => sessionStatus({ state: "signedOut" }),
    "login/begin": () => PENDING,
    "login/await": () => {
      order.push("await");
      return { state: "loggedIn", status: sessionStatus() };
    },
  });
  const status = await client.login({
    onAuthorization: (pending) => void order.push(`show ${pending.flow}`),
    openBrowser: async (url) => {
      order.push(`open ${url}`);
      return { opened: false, reason: "no display" };
    },
    onBrowserFailure: (reason) => order.push(reason),
  });
  t.equal(status.email, "ada@example.com");
  t.same(order, ["show browser", `open ${PENDING.authorizationUrl}`, "no display", "await"]);
});

t.test("a login that is given up here is cancelled at the daemon", async (t) => {
  const abort = new AbortController();
  const { daemon, client } = await setUp(t, {
    "session/status": () => sessionStatus({ state: "signedOut" }),
    "login/begin": () => PENDING,
    "login/await": () => {
      abort.abort(new Error("no more"));
      return new Promise(() => undefined);
    },
    "login/cancel": () => ({ cancelled: true }),
  });
  await t.rejects(client.login({ openBrowser: false, signal: abort.signal }), { message: "no more" });
  t.equal(daemon.count("login/cancel"), 1);
});

t.test("close may be called twice, and ends what is open", async (t) => {
  const { client } = await setUp(t, { "session/list": () => ({ sessions: [] }) });
  await client.listSessions();
  await client.close();
  await client[Symbol.asyncDispose]();
});
