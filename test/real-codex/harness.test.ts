import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Test } from "tap";
import t from "tap";
import type { AppServer } from "../helpers/app-server.js";
import { startAppServer } from "../helpers/app-server.js";
import { AppServerError } from "../helpers/app-server-messages.js";
import type { ChatGptBackend } from "../helpers/chatgpt-backend.js";
import { createChatGptBackend, WORKSPACE_NAME, WORKSPACE_ORIGIN } from "../helpers/chatgpt-backend.js";
import type { CodexHome } from "../helpers/codex.js";
import { createCodexHome, loginStatus, runCodex } from "../helpers/codex.js";

const ACCOUNT_ID = "acct-harness";
const EMAIL = "me@example.com";
const ACCESS_TOKEN = unsignedJwt({
  exp: Math.floor(Date.now() / 1000) + 7200,
  "https://api.openai.com/profile": { email: EMAIL },
  "https://api.openai.com/auth": authClaims("pro"),
});
const PUSHED_TOKEN = `${ACCESS_TOKEN}-pushed`;

function authClaims(planType: string) {
  return { chatgpt_plan_type: planType, chatgpt_user_id: "user-harness", chatgpt_account_id: ACCOUNT_ID };
}

function unsignedJwt(claims: Record<string, unknown>): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.signature`;
}

async function logIn(home: CodexHome, planType = "pro"): Promise<void> {
  const idToken = unsignedJwt({ email: EMAIL, "https://api.openai.com/auth": authClaims(planType) });
  const auth = {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      id_token: idToken,
      access_token: ACCESS_TOKEN,
      refresh_token: "rt-harness",
      account_id: ACCOUNT_ID,
    },
    last_refresh: new Date().toISOString(),
  };
  await writeFile(home.authFile, JSON.stringify(auth, null, 2), { mode: 0o600 });
}

interface SetUpOptions {
  readonly isAccessTokenValid?: (accessToken: string) => boolean;
  readonly issuer?: string;
}

async function setUp(test: Test, { isAccessTokenValid = () => true, ...issuer }: SetUpOptions = {}) {
  const backend = await createChatGptBackend({ isAccessTokenValid });
  test.teardown(() => backend.close());
  const home = await createCodexHome({ backend, ...issuer });
  test.teardown(() => home.close());
  return { backend, home };
}

/** Listens on loopback, notes the target of every request, and answers all with `answer`. */
async function listen(test: Test, answer: unknown): Promise<{ url: string; targets: string[] }> {
  const targets: string[] = [];
  const server = createServer((request, response) => {
    targets.push(`${request.method} ${request.url}`);
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  });
  server.on("connect", (request, socket) => {
    targets.push(`CONNECT ${request.url}`);
    socket.destroy();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  test.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets };
}

async function startInitialized(
  test: Test,
  home: CodexHome,
  env: NodeJS.ProcessEnv = {},
): Promise<AppServer> {
  const startedAtMs = performance.now();
  const appServer = startAppServer({ home, env });
  test.teardown(() => appServer.close());
  await appServer.initialize();
  test.comment(`app-server answers initialize after ${Math.round(performance.now() - startedAtMs)} ms`);
  return appServer;
}

function modelCalls(backend: ChatGptBackend) {
  return backend
    .requestsTo("responses")
    .map(({ accessToken, headers, status }) => [accessToken, headers["chatgpt-account-id"], status]);
}

t.test("a fresh home is private and not logged in", async (t) => {
  const { home } = await setUp(t);
  t.equal((await stat(home.path)).mode & 0o777, 0o700);
  t.equal(await loginStatus(home), "Not logged in");
});

t.test("login status reads a ChatGPT login", async (t) => {
  const { home } = await setUp(t);
  await logIn(home);
  t.equal(await loginStatus(home), "Logged in using ChatGPT");
});

t.test("input reaches the stdin of a command", async (t) => {
  const { home } = await setUp(t);
  const { code } = await runCodex(["login", "--with-api-key"], { home, input: "sk-test-1234567890abcdef" });
  t.equal(code, 0);
  t.match(await loginStatus(home), /^API key configured/);
});

t.test("the app-server refuses a request before initialize", async (t) => {
  const { home } = await setUp(t);
  const appServer = startAppServer({ home });
  t.teardown(() => appServer.close());
  await t.rejects(appServer.accountRead(), new AppServerError(-32600, "Not initialized"));
});

t.test("the app-server tells account and token, and runs a turn with them", async (t) => {
  const { backend, home } = await setUp(t, { isAccessTokenValid: (token) => token === ACCESS_TOKEN });
  await logIn(home);
  const appServer = await startInitialized(t, home);

  t.match(await appServer.accountRead(), {
    account: { type: "chatgpt", email: EMAIL, planType: "pro", workspaceName: WORKSPACE_NAME },
    userId: "user-harness",
    workspaceRouting: { chatgptAccountId: ACCOUNT_ID, backendOrigin: WORKSPACE_ORIGIN },
  });
  t.match(await appServer.getAuthStatus({ includeToken: true }), {
    authMethod: "chatgpt",
    authToken: ACCESS_TOKEN,
  });
  t.match(await appServer.request("account/rateLimits/read"), {
    rateLimits: { primary: { usedPercent: 12 } },
  });

  backend.reply = "Four.";
  t.strictSame(await appServer.runTurn("Two and two?"), { status: "completed", text: "Four.", error: null });
  t.strictSame(modelCalls(backend), [[ACCESS_TOKEN, ACCOUNT_ID, 200]]);
  t.match(backend.requestsTo("responses")[0]?.body, "Two and two?");

  backend.rejectNext(1);
  t.match(await appServer.runTurn("Again?"), { status: "completed", text: "Four." });
  t.strictSame(modelCalls(backend).slice(1), [
    [ACCESS_TOKEN, ACCOUNT_ID, 401],
    [ACCESS_TOKEN, ACCOUNT_ID, 200],
  ]);
});

t.test("a session asks for nothing outside loopback", async (t) => {
  const { backend, home } = await setUp(t);
  await logIn(home);
  const proxy = await listen(t, {});
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, ALL_PROXY: proxy.url };
  const appServer = await startInitialized(t, home, env);
  await appServer.accountRead();
  t.match(await appServer.runTurn("Hello?"), { status: "completed" });
  await appServer.close();
  t.strictSame(proxy.targets, []);
  t.strictSame(modelCalls(backend), [[ACCESS_TOKEN, ACCOUNT_ID, 200]]);
});

t.test("a token that stays refused is refreshed at the issuer of the home", async (t) => {
  const issuer = await listen(t, { access_token: PUSHED_TOKEN });
  const isAccessTokenValid = (token: string) => token === PUSHED_TOKEN;
  const { backend, home } = await setUp(t, { isAccessTokenValid, issuer: issuer.url });
  await logIn(home);
  const appServer = await startInitialized(t, home);
  t.match(await appServer.runTurn("Hello?"), { status: "completed" });
  t.strictSame(issuer.targets, ["POST /oauth/token"]);
  t.strictSame(modelCalls(backend).at(-1), [PUSHED_TOKEN, ACCOUNT_ID, 200]);
});

t.test("an enterprise plan finds its requirements", async (t) => {
  const { backend, home } = await setUp(t);
  await logIn(home, "enterprise");
  const appServer = await startInitialized(t, home);
  t.match(await appServer.accountRead(), { account: { planType: "enterprise" } });
  t.equal(backend.requestsTo("config/bundle")[0]?.status, 200);
});

t.test("a refused external token is asked for again, and the turn goes on with the new one", async (t) => {
  const { backend, home } = await setUp(t);
  const appServer = await startInitialized(t, home);
  const asked: unknown[] = [];
  appServer.onRequest("account/chatgptAuthTokens/refresh", (params) => {
    asked.push(params);
    return { accessToken: PUSHED_TOKEN, chatgptAccountId: ACCOUNT_ID, chatgptPlanType: null };
  });
  await appServer.request("account/login/start", {
    type: "chatgptAuthTokens",
    accessToken: ACCESS_TOKEN,
    chatgptAccountId: ACCOUNT_ID,
  });
  await appServer.waitFor("account/login/completed", ({ success }) => success === true);

  backend.rejectNext(1);
  t.match(await appServer.runTurn("Hello?"), { status: "completed" });
  t.strictSame(asked, [{ reason: "unauthorized", previousAccountId: ACCOUNT_ID }]);
  t.strictSame(modelCalls(backend), [
    [ACCESS_TOKEN, ACCOUNT_ID, 401],
    [PUSHED_TOKEN, ACCOUNT_ID, 200],
  ]);
});

t.test("a closed app-server fails what was still asked of it", async (t) => {
  const { home } = await setUp(t);
  const appServer = await startInitialized(t, home);
  const never = t.rejects(appServer.waitFor("no/such"), { message: /its process has ended/ });
  await appServer.close();
  await never;
});
