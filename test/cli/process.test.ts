/** The program as a process: the hot path, pipes, and signals. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { AuthError } from "@codex-authd/shared";
import t from "tap";
import { parseTokenArguments } from "#client/cli/token-hot-path.js";
import {
  createLoggedInDaemon,
  type FakeDaemon,
  pendingDeviceLogin,
  sessionStatus,
} from "../helpers/fake-daemon.js";

const MAIN = join(import.meta.dirname, "../../../client/dist/cli/main.js");

const daemon = await createLoggedInDaemon();
t.teardown(() => daemon.close());

function start(argv: readonly string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [MAIN, ...argv], { env: { ...daemon.env, ...env } });
}

async function run(argv: readonly string[], env: Record<string, string> = {}): Promise<object> {
  const child = start(argv, env);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { exitCode, stdout, stderr };
}

function methodsCalled({ calls }: FakeDaemon): string[] {
  return calls.map((call) => call.method);
}

t.test("the hot path leaves what it does not know to the full program", async (t) => {
  const env = { HOME: "/h", CODEX_AUTHD_SOCKET: "/s" };
  for (const argv of [
    [],
    ["status"],
    ["token", "--json"],
    ["token", "--help"],
    ["token", "x"],
    ["token", "--codex-home"],
    ["token", "--min-validity", "1.5"],
    ["token", "--min-validity", "86400"],
    ["--json", "token"],
  ]) {
    t.equal(parseTokenArguments(argv, env), undefined, argv.join(" "));
  }
  t.equal(parseTokenArguments(["token"], {}), undefined, "no HOME");
  t.equal(parseTokenArguments(["token"], { ...env, CODEX_AUTHD_SOCKET: "relative" }), undefined);
});

/** The folder of the caller, whose project may configure where Codex keeps logins. */
const HERE = `&cwd=${encodeURIComponent(process.cwd())}`;

t.test("the hot path knows the plain forms of token", async (t) => {
  const env = { HOME: "/h", CODEX_AUTHD_SOCKET: "/s" };
  t.same(parseTokenArguments(["token"], env), {
    sockets: ["/s"],
    target: `/v1/token?codexHome=%2Fh%2F.codex${HERE}`,
  });
  t.match(parseTokenArguments(["token"], { ...env, CODEX_HOME: "/c d" }), {
    target: "/v1/token?codexHome=%2Fc%20d",
  });
  t.same(parseTokenArguments(["token", "--codex-home=/x=y", "--min-validity", "60", "--socket", "/t"], env), {
    sockets: ["/t"],
    target: `/v1/token?codexHome=%2Fx%3Dy${HERE}&minValidityMs=60000`,
  });
});

t.test("token is one GET, and prints the token alone", async (t) => {
  const before = daemon.calls.length;
  t.same(await run(["token"]), { exitCode: 0, stdout: "eyJ.token\n", stderr: "" });
  t.same(methodsCalled(daemon).slice(before), ["/v1/token"]);
  t.same(daemon.calls.at(-1)?.params, { codexHome: `${daemon.folder}/.codex`, cwd: process.cwd() });
  t.match(daemon.calls.at(-1)?.request.headers, {
    host: "localhost",
    "codex-authd-client": "codex-auth token",
  });
});

t.test("an error of the hot path is told in full, and not asked for twice", async (t) => {
  const answer = daemon.handlers["token/get"];
  daemon.handlers["token/get"] = () => {
    throw new AuthError("ERR_LOGIN_REQUIRED", "Nobody is logged in.");
  };
  const before = daemon.calls.length;
  t.match(await run(["token"]), {
    exitCode: 3,
    stdout: "",
    stderr:
      /^error: Nobody is logged in\. \(ERR_LOGIN_REQUIRED\)\n {2}why: .*\n {2}do: {2}Run `codex-auth login`\.\n$/,
  });
  t.equal(daemon.calls.length, before + 1);
  if (answer) daemon.handlers["token/get"] = answer;
});

t.test("a daemon that the hot path cannot read is left to the full program", async (t) => {
  daemon.protocol = "2";
  t.match(await run(["token"]), { exitCode: 4, stderr: /Upgrade this client/ });
  daemon.protocol = "1";
  const none = { CODEX_AUTHD_SOCKET: join(daemon.folder, "none.sock") };
  t.match(await run(["token", "--no-autostart"], none), { exitCode: 4, stderr: /No daemon listens/ });
});

t.test("a pipe gets no colours", async (t) => {
  t.match(await run(["status"]), { exitCode: 0, stdout: /^Logged in as ada@example\.com\n/, stderr: "" });
  t.match(await run(["status", "--nope"]), { exitCode: 2, stderr: /^error: unknown option '--nope'\n/ });
});

t.test("a reader that has gone is no error", async (t) => {
  for (const command of ["status", "token"]) {
    const child = start([command]);
    child.stdout.destroy();
    const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    t.same({ stderr, exitCode }, { stderr: "", exitCode: 0 }, command);
  }
});

t.test("Ctrl-C while it waits cancels the login and exits 130", async (t) => {
  daemon.handlers["session/status"] = () => sessionStatus({ state: "signedOut" });
  daemon.handlers["login/begin"] = pendingDeviceLogin;
  const waiting = new Promise<void>((resolve) => {
    daemon.handlers["login/await"] = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  daemon.handlers["login/cancel"] = () => ({ cancelled: true });
  const child = start(["login", "--json"]);
  const stdout = text(child.stdout);
  await waiting;
  child.kill("SIGINT");
  const [exitCode] = await once(child, "exit");
  t.equal(exitCode, 130);
  t.match(
    (await stdout)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [
      { event: "authorization", userCode: "ABCD-12345" },
      { error: { code: "ERR_LOGIN_CANCELLED", retryable: false } },
    ],
  );
  t.equal(daemon.count("login/cancel"), 1);
});
