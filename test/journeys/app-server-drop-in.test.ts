/** A host that knows nothing of us starts `codex-auth app-server` in place of Codex: what both ends of the wire saw. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { type AppServer, startAppServer } from "../helpers/app-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { startNode } from "../helpers/child.js";
import { codexBinary } from "../helpers/codex.js";
import { writeLogin } from "../helpers/logins.js";
import { createScene, modelCalls } from "../helpers/real-codex-scene.js";
import { createRecorder, type Recorder } from "../helpers/recorder.js";
import { until } from "../helpers/until.js";

const CLI = fileURLToPath(new URL("../../../client/dist/cli/codex-auth.cjs", import.meta.url));

const scene = await createScene(t);
const { issuer, backend, codex } = scene;
const daemon = await scene.startDaemon();

interface Wire {
  readonly host: AppServer;
  /** Where the host is. */
  readonly near: Recorder;
  /** Where the real app-server is. */
  readonly far: Recorder;
}

function startHost(name: string, args: readonly string[] = []): Wire {
  const folder = join(codex.path, name);
  mkdirSync(folder);
  const far = createRecorder(folder, "codex", [codexBinary]);
  const near = createRecorder(folder, "codex-auth", [process.execPath, CLI]);
  const host = startAppServer({
    home: codex,
    command: [near.program, "app-server", "--codex", far.program, ...args],
    env: { CODEX_AUTHD_SOCKET: daemon.socket, CODEX_AUTHD_CONFIG: daemon.env.CODEX_AUTHD_CONFIG },
    experimentalApi: false,
  });
  t.teardown(() => host.close());
  return { host, near, far };
}

t.test("without a login the host's Codex does not begin, and its stderr says what to do", async (t) => {
  const { host } = startHost("signed-out");
  await t.rejects(host.initialize(), /ERR_LOGIN_REQUIRED[\s\S]*Run `codex-auth login`/);
});

t.test("by default every byte goes through as it is, both ways", async (t) => {
  writeLogin(codex.path, issuer);
  const { host, near, far } = startHost("persistent");
  await host.initialize();
  const turn = await host.runTurn("Say hello");
  t.match(turn, { status: "completed", text: backend.reply });
  await host.close();
  t.match(near.sent(), /^\{"method":"initialize".*\n[\s\S]*"turn\/start"/);
  t.match(near.received(), /turn\/completed/);
  t.equal(far.sent(), near.sent());
  t.equal(far.received(), near.received());
  t.match(modelCalls(backend), [[String, "acct-fake-0001", 200]]);
});

t.test("it ends with its host, and as Codex does", async (t) => {
  const args = [CLI, "app-server", "--codex", codexBinary];
  const child = startNode(args, { env: { ...daemon.env, CODEX_HOME: codex.path }, cwd: codex.path });
  child.end();
  t.match(await child.ended, { code: 0, stdout: "" });
  const wrong = startNode([...args, "--no-such-option"], { env: daemon.env, cwd: codex.path });
  t.match(await wrong.ended, { code: 2, stderr: /unexpected argument '--no-such-option'/ });
});

/** A home for the login alone; the app-server's own stays empty. */
function loginHome(name: string): string {
  const home = join(daemon.home, name);
  mkdirSync(home, { mode: 0o700 });
  writeLogin(home, issuer);
  return home;
}

/** What is between the app-server and us: our logins and their answers, its requests for fresh tokens and our answers. */
function isAboutTokens(line: string): boolean {
  const { id, method, params, result } = JSON.parse(line);
  const isOurs = typeof id === "string" && id.startsWith("codex-authd-");
  const isLoginOfOurs = method === "account/login/completed" && params.loginId === null;
  return (
    isOurs || isLoginOfOurs || method === "account/chatgptAuthTokens/refresh" || Boolean(result?.accessToken)
  );
}

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

t.test("with --memory only the flag and the messages about the tokens differ", async (t) => {
  rmSync(codex.authFile);
  const { host, near, far } = startHost("memory", ["--memory", "--codex-home", loginHome("work")]);
  // Asked at once, as by a host in a hurry: it is not told that nobody is logged in.
  const [, account] = await Promise.all([host.initialize(), host.accountRead()]);
  t.match(account, { account: { type: "chatgpt", email: "me@example.com" } });
  const { exchanges } = issuer;
  backend.rejectNext(1);
  t.match(await host.runTurn("Say hello"), { status: "completed", text: backend.reply });
  t.equal(issuer.exchanges, exchanges + 1, "its 401 cost one exchange");
  await host.close();

  const [initialize = "", ...asked] = linesOf(near.sent());
  const [raised = "", ...got] = linesOf(far.sent());
  t.equal(raised, initialize.replace('"experimentalApi":false', '"experimentalApi":true'));
  t.same(
    got.filter((line) => !isAboutTokens(line)),
    asked,
  );
  t.equal(got.filter(isAboutTokens).length, 2, "a login, and an answer to the 401");
  t.same(
    linesOf(far.received()).filter((line) => !isAboutTokens(line)),
    linesOf(near.received()),
  );
  t.match(near.received(), /"account\/updated"/);
  t.notMatch(near.received(), /chatgptAuthTokens\/refresh|"accessToken"/);
  t.equal(existsSync(codex.authFile), false);
});

t.test("with --memory the host can neither end the shared login nor replace it", async (t) => {
  writeLogin(codex.path, issuer);
  const { host, far } = startHost("refused", ["--memory"]);
  await host.initialize();
  await t.rejects(host.request("account/logout"), { code: -32600, message: /codex-auth logout/ });
  await t.rejects(host.request("account/login/start", { type: "chatgpt" }), {
    code: -32600,
    message: /codex-auth login/,
  });
  t.equal(existsSync(codex.authFile), true);
  t.notMatch(far.sent(), /logout|"chatgpt"/);
  t.match(await host.getAuthStatus(), { authMethod: "chatgptAuthTokens" });
});

t.test(
  "with --memory NAME the tokens are of the daemon's memory, and a logout there is told on stderr",
  async (t) => {
    const env = { CODEX_HOME: codex.path };
    const login = daemon.startCli(["login", "--memory", "mine", "--browser", "--no-browser", "--json"], env);
    await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl);
    await login.ended;
    const { host } = startHost("named", ["--memory", "mine"]);
    await host.initialize();
    t.match(await host.accountRead(), { account: { email: "me@example.com" } });
    await daemon.cli(["logout", "--memory", "mine"], { env });
    await until("the host's stderr says so", () => host.stderr.includes("(ERR_LOGIN_REQUIRED)"));
  },
);
