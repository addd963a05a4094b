/** `codex-auth exec` as a process: what becomes of the command, and of whoever has no login. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { AuthError } from "@codex-authd/shared";
import t from "tap";
import { createLoggedInDaemon, sessionStatus, TOKEN } from "../helpers/fake-daemon.js";
import { until } from "../helpers/until.js";

const MAIN = join(import.meta.dirname, "../../../client/dist/cli/main.js");

const daemon = await createLoggedInDaemon();
t.teardown(() => daemon.close());

interface Run {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without a terminal of its own, as under a job runner, and without the recorder that tap adds to every child. */
function start(
  words: readonly string[],
  env: Record<string, string> = {},
): ChildProcessWithoutNullStreams & { readonly run: Promise<Run> } {
  const variables = Object.entries({ ...daemon.env, ...env }).map(([name, value]) => `${name}=${value}`);
  const args = ["-i", ...variables, process.execPath, MAIN, "exec", ...words];
  const child = spawn("env", args, { cwd: daemon.folder, detached: true });
  const run = Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]).then(
    ([stdout, stderr, [exitCode, signal]]) => ({ exitCode, signal, stdout, stderr }),
  );
  return Object.assign(child, { run });
}

function exec(words: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const child = start(words, env);
  child.stdin.end();
  return child.run;
}

t.test("it exits as its command does, and says nothing itself", async (t) => {
  t.same(await exec(["--", "sh", "-c", "echo out; echo err >&2; exit 42"]), {
    exitCode: 42,
    signal: null,
    stdout: "out\n",
    stderr: "err\n",
  });
});

t.test("whatever follows the command is the command's own", async (t) => {
  const { stdout } = await exec(["printf", "%s ", "--json", "--help", "--", "--codex-home", "x"]);
  t.equal(stdout, "--json --help -- --codex-home x ");
});

t.test("stdin is the command's, to the last byte", async (t) => {
  const bytes = "0123456789abcdef".repeat(64 * 1024);
  const child = start(["--", "wc", "-c"]);
  child.stdin.end(bytes);
  t.match(await child.run, { exitCode: 0, stdout: new RegExp(`^\\s*${bytes.length}\n$`) });
});

t.test("a signal to it reaches the command, which decides", async (t) => {
  for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const) {
    const child = start(["--", "sh", "-c", `trap 'echo got; exit 7' ${signal.slice(3)}; echo ready; read x`]);
    let stdout = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    await until("the command is ready", () => stdout === "ready\n");
    child.kill(signal);
    t.match(await child.run, { exitCode: 7, signal: null, stdout: "ready\ngot\n", stderr: "" }, signal);
  }
});

t.test("it ends by the signal that ended its command, unless that would dump a core", async (t) => {
  for (const signal of ["SIGHUP", "SIGINT", "SIGKILL", "SIGTERM"] as const) {
    const run = await exec(["--", "sh", "-c", `kill -${signal.slice(3)} $$`]);
    t.match(run, { exitCode: null, signal, stderr: "" });
  }
  t.match(await exec(["--", "sh", "-c", "kill -ABRT $$"]), { exitCode: 134, signal: null });
});

t.test("a command that cannot be run is 126, one that is not there 127", async (t) => {
  const file = join(daemon.folder, "plain.txt");
  writeFileSync(file, "text");
  chmodSync(file, 0o644);
  t.match(await exec(["--", file]), { exitCode: 126, stderr: /^error: .*plain\.txt: it cannot be executed/ });
  t.match(await exec(["--", "no-such-command"]), {
    exitCode: 127,
    stderr: "error: no-such-command: there is no such program\n",
  });
});

t.test("wrong usage, no daemon, and no login without a terminal are 125, and nothing is run", async (t) => {
  t.match(await exec([]), { exitCode: 125, stderr: /missing required argument/ });
  t.match(await exec(["--nope", "true"]), { exitCode: 125, stderr: /unknown option '--nope'/ });
  const none = join(daemon.folder, "none.sock");
  t.match(await exec(["--no-autostart", "--socket", none, "--", "echo", "run"]), {
    exitCode: 125,
    stdout: "",
    stderr: /ERR_DAEMON_NOT_RUNNING/,
  });
  const answer = daemon.handlers["token/get"];
  t.teardown(() => Object.assign(daemon.handlers, { "token/get": answer }));
  for (const code of ["ERR_LOGIN_REQUIRED", "ERR_REFRESH_REJECTED"] as const) {
    daemon.handlers["token/get"] = () => {
      throw new AuthError(code, "There is none.");
    };
    t.match(await exec(["--", "echo", "run"]), {
      exitCode: 125,
      stdout: "",
      stderr: new RegExp(`There is none\\. \\(${code}\\)[\\s\\S]*codex-auth login`),
    });
  }
});

t.test("a credential of another kind, and an issuer that is away, keep nobody from working", async (t) => {
  const answer = daemon.handlers["token/get"];
  t.teardown(() => Object.assign(daemon.handlers, { "token/get": answer }));
  for (const code of ["ERR_NOT_MANAGED", "ERR_ISSUER_UNAVAILABLE"] as const) {
    daemon.handlers["token/get"] = () => {
      throw new AuthError(code, "It is so.");
    };
    t.match(await exec(["--", "echo", "run"]), {
      exitCode: 0,
      stdout: "run\n",
      stderr: "warning: It is so.\n",
    });
  }
});

t.test("the login is good for longer than Codex takes for expired", async (t) => {
  await exec(["--", "true"]);
  t.match(
    daemon.calls.findLast(({ method }) => method === "token/get"),
    { params: { minValidityMs: 360_000, childEnvironment: { cwd: daemon.folder } } },
  );
});

t.test("the command's environment is its caller's, with nothing added that it did not need", async (t) => {
  const env = { CODEX_HOME: daemon.folder, FOO: "bar" };
  const { stdout } = await exec(["env"], env);
  const lines = Object.entries({ ...daemon.env, ...env }).map(([name, value]) => `${name}=${value}`);
  t.same(stdout.trim().split("\n").sort(), lines.sort());
  t.notMatch(stdout, TOKEN.accessToken);
});

t.test("--codex-home is handed on as the daemon knows it", async (t) => {
  const { stdout } = await exec(["--codex-home", "elsewhere", "--", "sh", "-c", "echo $CODEX_HOME"]);
  t.equal(stdout, `${sessionStatus().codexHome}\n`);
  t.equal(daemon.calls.at(-1)?.params.codexHome, join(daemon.folder, "elsewhere"));
});

t.test("the CA of the login is handed on, unless the command has its own", async (t) => {
  const { network } = sessionStatus();
  daemon.handlers["session/status"] = () =>
    sessionStatus({ network: { ...network, caCertificateFile: "/etc/corp.pem" } });
  const show = ["--", "sh", "-c", `echo "$CODEX_CA_CERTIFICATE,$SSL_CERT_FILE"`];
  t.equal((await exec(show)).stdout, "/etc/corp.pem,\n");
  t.equal((await exec(show, { SSL_CERT_FILE: "/own.pem" })).stdout, ",/own.pem\n");
  t.equal((await exec(show, { CODEX_CA_CERTIFICATE: "/own.pem" })).stdout, "/own.pem,\n");
});

t.test("a key that Codex would use instead of the login is warned of, and not shown", async (t) => {
  const { stderr } = await exec(["--", "true"], { CODEX_API_KEY: "sk-secret", OPENAI_API_KEY: "sk-secret" });
  t.match(stderr, /^warning: CODEX_API_KEY is set: .* instead of the login\. Unset it to use the login\.\n$/);
  t.notMatch(stderr, "sk-secret");
  t.match(await exec(["--", "true"], { CODEX_ACCESS_TOKEN: "at-x" }), {
    exitCode: 0,
    stderr: /^warning: CODEX_ACCESS_TOKEN/,
  });
});
