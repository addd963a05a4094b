import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Fault, startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveLogin, denyLogin, visit } from "../helpers/browser-user.js";
import type { Run } from "../helpers/child.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { occupyPort } from "../helpers/port-occupant.js";

const BROWSER = ["login", "--browser", "--no-browser", "--json", "--force"];

const OAUTH_BODY = { error: "invalid_grant", error_description: "The code is stale." };
const API_BODY = { error: { code: "unknown_client", message: "Who are you?" } };

/** What the token endpoint answers to the code, and what the person is told. */
const FAULTS: readonly { fault: Fault; error: string; exitCode: number; words: RegExp }[] = [
  {
    fault: { kind: "status", status: 400, body: OAUTH_BODY },
    error: "ERR_LOGIN_DENIED",
    exitCode: 5,
    words: /The code is stale/,
  },
  {
    fault: { kind: "status", status: 401, body: API_BODY },
    error: "ERR_LOGIN_DENIED",
    exitCode: 5,
    words: /Who are you/,
  },
  {
    fault: { kind: "status", status: 429 },
    error: "ERR_ISSUER_UNAVAILABLE",
    exitCode: 75,
    words: /429.*in a minute/,
  },
  {
    fault: { kind: "status", status: 500 },
    error: "ERR_ISSUER_UNAVAILABLE",
    exitCode: 75,
    words: /500.*in a minute/,
  },
  { fault: { kind: "garbage" }, error: "ERR_ISSUER_RESPONSE", exitCode: 75, words: /not a JSON object/ },
  {
    fault: { kind: "missingField", field: "refresh_token" },
    error: "ERR_ISSUER_RESPONSE",
    exitCode: 75,
    words: /a refresh token/,
  },
  { fault: { kind: "reset" }, error: "ERR_ISSUER_UNAVAILABLE", exitCode: 75, words: /no usable answer/ },
];

async function setUp(t: Test, config: Record<string, string | number> = {}) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer, config });
  return { issuer, daemon };
}

async function beginLogin(daemon: Daemon, args: readonly string[] = BROWSER) {
  const login = daemon.startCli(args);
  const { authorizationUrl } = JSON.parse(await login.nextLine());
  return { login, authorizationUrl };
}

/** The object that a failed `--json` command ends with. */
function errorOf({ stdout }: Run): { code: string; message: string; retryable: boolean } {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "").error;
}

t.test("a redirect with another state is refused, and the login goes on", async (t) => {
  const { issuer, daemon } = await setUp(t);
  const { login, authorizationUrl } = await beginLogin(daemon);
  const redirectUri = new URL(authorizationUrl).searchParams.get("redirect_uri");
  for (const query of [
    "code=ac_forged&state=wrong",
    "code=ac_forged",
    "error=access_denied&state=wrong",
    "",
  ]) {
    t.match(await visit(`${redirectUri}?${query}`), { status: 400, body: /^State mismatch/ });
  }
  t.equal(issuer.requestsTo("token").length, 0);
  t.match(await approveLogin(authorizationUrl), { status: 200 });
  t.equal((await login.ended).code, 0);
});

t.test("a click on Cancel ends the login with the issuer's words", async (t) => {
  const { issuer, daemon } = await setUp(t);
  const { login, authorizationUrl } = await beginLogin(daemon);
  const page = await denyLogin(authorizationUrl);
  t.match(page, { status: 400, body: /The user cancelled the sign-in\./ });
  const run = await login.ended;
  t.equal(run.code, 5);
  t.match(errorOf(run), {
    code: "ERR_LOGIN_DENIED",
    message: /The user cancelled the sign-in\..*codex-auth login/,
    retryable: false,
  });
  t.equal(issuer.requestsTo("token").length, 0);
  t.equal((await daemon.cli(["status"])).code, 3);
});

t.test("a code that cannot be exchanged names its error, and the old login stays", async (t) => {
  const { issuer, daemon } = await setUp(t);
  writeLogin(daemon.codexHome, issuer);
  const before = readFileSync(join(daemon.codexHome, "auth.json"), "utf8");
  for (const { fault, error, exitCode, words } of FAULTS) {
    issuer.failNext("token", fault);
    const { login, authorizationUrl } = await beginLogin(daemon);
    const page = await approveLogin(authorizationUrl);
    const run = await login.ended;
    const label = JSON.stringify(fault);
    t.equal(page.status, 400, label);
    t.equal(run.code, exitCode, label);
    t.match(errorOf(run), { code: error, message: words }, label);
    t.equal(readFileSync(join(daemon.codexHome, "auth.json"), "utf8"), before, label);
  }
  t.equal(issuer.requestsTo("token").length, FAULTS.length, "no code is presented twice");
  t.equal((await daemon.cli(["token"])).stdout.trim(), JSON.parse(before).tokens.access_token);
});

t.test("an issuer that is down costs the code only, and the next login works", async (t) => {
  const { issuer, daemon } = await setUp(t);
  const { login, authorizationUrl } = await beginLogin(daemon);
  issuer.autoApprove = true;
  const response = await fetch(authorizationUrl, { redirect: "manual" });
  await issuer.close();
  t.match(await visit(response.headers.get("location") ?? ""), { status: 400, body: /could not be sent/ });
  const run = await login.ended;
  t.equal(run.code, 75);
  t.match(errorOf(run), { code: "ERR_ISSUER_UNAVAILABLE", retryable: true });
  await issuer.listen();
  const again = await beginLogin(daemon);
  await approveLogin(again.authorizationUrl);
  t.equal((await again.login.ended).code, 0);
});

t.test("a callback port in use is said in a sentence", async (t) => {
  const { port } = await occupyPort(t);
  const { daemon } = await setUp(t, { callback_port: port });
  const run = await daemon.cli(BROWSER);
  t.equal(run.code, 75);
  t.match(errorOf(run), {
    code: "ERR_CALLBACK_PORT_IN_USE",
    message: new RegExp(`${port} \\(in use by node.*, process ${process.pid}\\).*--device`),
  });
  const { code, stderr } = await daemon.cli(["login", "--browser", "--no-browser"]);
  t.equal(code, 75);
  t.match(stderr, /^error: .*\(ERR_CALLBACK_PORT_IN_USE\)\n {2}why: .*\n {2}do: {2}.*--device/);
});

t.test("a second login of the same home ends the first, which is told why", async (t) => {
  const { daemon } = await setUp(t);
  const first = await beginLogin(daemon);
  const second = await beginLogin(daemon);
  const run = await first.login.ended;
  t.equal(run.code, 1);
  t.match(errorOf(run), { code: "ERR_LOGIN_CANCELLED", message: /a newer one was started/ });
  t.match(await visit(first.authorizationUrl), { status: 200 }, "its page at the issuer is still there");
  const late = await approveLogin(first.authorizationUrl).catch(({ code }) => ({ body: code }));
  t.match(late.body, /ECONNREFUSED|State mismatch/);
  await approveLogin(second.authorizationUrl);
  t.equal((await second.login.ended).code, 0);
});

t.test("Ctrl-C ends the login, and the port is free again", async (t) => {
  const { daemon } = await setUp(t);
  const { login, authorizationUrl } = await beginLogin(daemon);
  const redirectUri = new URL(authorizationUrl).searchParams.get("redirect_uri") ?? "";
  login.kill("SIGINT");
  const run = await login.ended;
  t.equal(run.code, 130);
  t.match(errorOf(run), { code: "ERR_LOGIN_CANCELLED" });
  await t.rejects(visit(redirectUri), { code: "ECONNREFUSED" });
});

t.test("a pasted address finishes a login whose redirect reached nobody", async (t) => {
  const { issuer, daemon } = await setUp(t);
  issuer.autoApprove = true;
  const { login, authorizationUrl } = await beginLogin(daemon, [...BROWSER, "--paste"]);
  const { headers } = await fetch(authorizationUrl, { redirect: "manual" });
  login.write("http://example.com/?code=elsewhere\n");
  login.write(`${headers.get("location")}\n`);
  const { code, stdout } = await login.ended;
  t.equal(code, 0);
  t.match(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""), { event: "loggedIn", email: "me@example.com" });
  t.strictSame(issuer.violations, []);
});

t.test("a pasted address of another login does not end this one", async (t) => {
  const { issuer, daemon } = await setUp(t);
  issuer.autoApprove = true;
  const { login, authorizationUrl } = await beginLogin(daemon, [...BROWSER, "--paste"]);
  const redirectUri = new URL(authorizationUrl).searchParams.get("redirect_uri");
  login.write(`${redirectUri}?code=ac_of_yesterday&state=another\n`);
  const { headers } = await fetch(authorizationUrl, { redirect: "manual" });
  login.write(`${headers.get("location")}\n`);
  t.equal((await login.ended).code, 0);
  t.equal(issuer.requestsTo("token").length, 1);
});
