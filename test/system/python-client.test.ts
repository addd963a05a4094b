import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { METHODS } from "@codex-authd/shared/schema";
import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { requireTools, runTool, type ToolRun } from "../helpers/system-tool.js";

requireTools("python3");

const CLIENT = fileURLToPath(new URL("../../../examples/python/codex_auth.py", import.meta.url));

const issuer = await startAuthorizationServer(t);
const daemon = await startDaemon(t, { issuer });

/** Runs the example itself, or `code` with its names in scope. */
function python(code?: string): ToolRun {
  const args =
    code === undefined ? [CLIENT] : ["-c", `from codex_auth import *\nauth = CodexAuth()\n${code}`];
  const { PATH, HOME, CODEX_AUTHD_SOCKET } = daemon.env;
  const variables = { PYTHONPATH: dirname(CLIENT), PYTHONDONTWRITEBYTECODE: "1" };
  return runTool(["python3", ...args], { PATH, HOME, CODEX_AUTHD_SOCKET, ...variables });
}

t.test("it is as short as it is said to be", async (t) => {
  t.ok(readFileSync(CLIENT, "utf8").split("\n").length <= 61);
});

t.test("it says that nobody is logged in, and fails with the daemon's code", async (t) => {
  t.match(python(), { code: 0, stdout: /^not logged in: There is no login/ });
  const code =
    "try:\n  auth.call('token/get')\nexcept AuthError as error:\n  print(error.code, error.retryable)";
  t.match(python(code), { code: 0, stdout: "ERR_LOGIN_REQUIRED False\n" });
});

t.test("it knows the methods from the daemon itself", async (t) => {
  const { stdout } = python(
    "print(json.dumps([method['name'] for method in auth.call('rpc.discover')['methods']]))",
  );
  t.same(JSON.parse(stdout), Object.keys(METHODS));
});

t.test("it gets the token and who is logged in", async (t) => {
  writeLogin(daemon.codexHome, issuer);
  const { stdout } = python("print(auth.call('token/get', minValidityMs=60_000)['accessToken'])");
  t.equal(stdout.trim(), readAuthJson(daemon.codexHome).tokens.access_token);
  t.match(python(), { code: 0, stdout: "me@example.com\n" });
});

t.test("it says that there is no daemon", async (t) => {
  await daemon.stop();
  t.match(python(), { code: 1, stderr: /^codex-authd: \[Errno/ });
});
