import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Fault, startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveDevice, denyDevice } from "../helpers/browser-user.js";
import type { Run } from "../helpers/child.js";
import { loginStatus } from "../helpers/codex.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createScene, modelCalls } from "../helpers/real-codex-scene.js";

const DEVICE = ["login", "--device", "--json", "--force"];

async function setUp(t: Test) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  return { issuer, daemon };
}

async function beginLogin(daemon: Daemon) {
  const login = daemon.startCli(DEVICE);
  const { verificationUri, userCode } = JSON.parse(await login.nextLine());
  return { login, verificationUri, userCode };
}

/** The object that a failed `--json` command ends with. */
function errorOf({ stdout }: Run): { code: string; message: string; retryable: boolean } {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "").error;
}

t.test("device login that is switched off says so, and what to do instead", async (t) => {
  const { issuer, daemon } = await setUp(t);
  issuer.isDeviceLoginEnabled = false;
  const run = await daemon.cli(DEVICE);
  t.equal(run.code, 5);
  t.match(errorOf(run), {
    code: "ERR_LOGIN_DENIED",
    message: /not enabled.*security settings.*codex-auth login --browser/,
  });
  t.equal(issuer.requestsTo("deviceToken").length, 0);
});

t.test("an issuer in trouble at the start is named", async (t) => {
  const { issuer, daemon } = await setUp(t);
  const faults: readonly [Fault, string][] = [
    [{ kind: "status", status: 503 }, "ERR_ISSUER_UNAVAILABLE"],
    [{ kind: "garbage" }, "ERR_ISSUER_RESPONSE"],
    [{ kind: "reset" }, "ERR_ISSUER_UNAVAILABLE"],
  ];
  for (const [fault, code] of faults) {
    issuer.failNext("usercode", fault);
    const run = await daemon.cli(DEVICE);
    t.equal(run.code, 75, fault.kind);
    t.match(errorOf(run), { code, retryable: true }, fault.kind);
  }
});

t.test("a denied code ends the login, and the old one stays", async (t) => {
  const { issuer, daemon } = await setUp(t);
  writeLogin(daemon.codexHome, issuer);
  const before = readFileSync(join(daemon.codexHome, "auth.json"), "utf8");
  const { login, verificationUri, userCode } = await beginLogin(daemon);
  await denyDevice(verificationUri, userCode);
  const run = await login.ended;
  t.equal(run.code, 5);
  t.match(errorOf(run), { code: "ERR_LOGIN_DENIED", message: /The user denied the sign-in/ });
  t.equal(readFileSync(join(daemon.codexHome, "auth.json"), "utf8"), before);
});

t.test("an expired code ends the login", async (t) => {
  const { issuer, daemon } = await setUp(t);
  issuer.scriptDevicePolls(["authorization_pending", "expired_token"]);
  const { login } = await beginLogin(daemon);
  const run = await login.ended;
  t.equal(run.code, 1);
  t.match(errorOf(run), { code: "ERR_LOGIN_EXPIRED", message: /has expired.*Start the login again/ });
});

t.test("a login with a code serves our callers and the real Codex alike", async (t) => {
  const scene = await createScene(t);
  const { issuer, backend, codex } = scene;
  const daemon = await scene.startDaemon();

  const { login, verificationUri, userCode } = await beginLogin(daemon);
  t.equal(verificationUri, `${issuer.url}/codex/device`);
  t.match(await approveDevice(verificationUri, userCode), { body: /Device connected/ });
  t.equal((await login.ended).code, 0);
  t.match(JSON.parse(await login.nextLine()), { event: "loggedIn", state: "active", flow: "device" });

  const { access_token: token, account_id: accountId } = readAuthJson(codex.path).tokens;
  t.equal((await daemon.cli(["token"])).stdout.trim(), token);
  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  const appServer = await scene.startAppServer();
  t.match(await appServer.accountRead(), { account: { email: "me@example.com", planType: "pro" } });
  t.match(await appServer.getAuthStatus({ includeToken: true }), { authMethod: "chatgpt", authToken: token });
  t.match(await appServer.runTurn("Hello?"), { status: "completed" });
  t.strictSame(modelCalls(backend), [[token, accountId, 200]]);
  t.strictSame(issuer.violations, []);
  t.equal(issuer.exchanges, 0);
});

t.test("403, 404 and 5xx while the person types are waited out, at the issuer's pace", async (t) => {
  const { issuer, daemon } = await setUp(t);
  issuer.scriptDevicePolls([403, 404, 503, 200]);
  const { login } = await beginLogin(daemon);
  t.equal((await login.ended).code, 0);
  t.equal(issuer.requestsTo("deviceToken").length, 4);
  t.strictSame(issuer.violations, []);
});
