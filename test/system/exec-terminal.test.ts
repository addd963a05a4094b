/** `codex-auth exec` at a terminal: a person's keys mean to the command what they mean without us. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AuthError } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createLoggedInDaemon, pendingDeviceLogin, sessionStatus, TOKEN } from "../helpers/fake-daemon.js";
import { requireTools } from "../helpers/system-tool.js";
import { until } from "../helpers/until.js";

requireTools("bash", "script", "sh");

const CLI = fileURLToPath(new URL("../../../client/dist/cli/codex-auth.cjs", import.meta.url));
const CTRL_C = "\x03";
const CTRL_Z = "\x1a";

const daemon = await createLoggedInDaemon();
t.teardown(() => daemon.close());

interface Screen {
  /** Waits until the terminal shows it, after what was awaited before. */
  shows(text: string): Promise<void>;
  type(keys: string): void;
  readonly all: () => string;
  readonly exitCode: Promise<number | null>;
}

/** Runs a command on a terminal of its own; `script` is the one who looks at it, and no shell is between. */
function atTerminal(t: Test, commandLine: string): Screen {
  const variables = Object.entries(daemon.env).map(([name, value]) => `${name}=${value}`);
  const args = ["-i", ...variables, "TERM=dumb", "script", "-qfec", `exec ${commandLine}`, "/dev/null"];
  const script = spawn("env", args, { cwd: daemon.folder });
  t.teardown(() => script.kill("SIGKILL"));
  let screen = "";
  let seen = 0;
  script.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    screen += chunk;
  });
  return {
    async shows(text) {
      await until(`the terminal shows ${text} in ${JSON.stringify(screen)}`, () =>
        screen.includes(text, seen),
      );
      seen = screen.indexOf(text, seen) + text.length;
    },
    type: (keys) => void script.stdin.write(keys),
    all: () => screen,
    exitCode: once(script, "exit").then(([code]) => code),
  };
}

function exec(script: string): string {
  return `${process.execPath} ${CLI} exec -- sh -c '${script}'`;
}

t.test("the command has the terminal, in the foreground", async (t) => {
  const screen = atTerminal(
    t,
    exec("test -t 0 && test -t 1 && test -t 2 && set -- $(cat /proc/$$/stat) && test $5 = $8 && exit 9"),
  );
  t.equal(await screen.exitCode, 9, screen.all());
});

t.test("Ctrl-C reaches the command once, and is not the end of us", async (t) => {
  const screen = atTerminal(
    t,
    exec('trap "echo interrupted" INT; echo ready; read x; read y; echo $y; exit 5'),
  );
  await screen.shows("ready");
  screen.type(CTRL_C);
  await screen.shows("interrupted");
  screen.type("one\ntwo\n");
  t.equal(await screen.exitCode, 5);
  t.equal(screen.all().split("interrupted").length, 2, screen.all());
});

t.test(
  "a command that Ctrl-C ends, ends us by the same signal, so that a script around us stops",
  async (t) => {
    const screen = atTerminal(t, `bash -c "${exec("echo ready; sleep 60")}; echo went on"`);
    await screen.shows("ready");
    screen.type(CTRL_C);
    t.equal(await screen.exitCode, 130);
    t.notMatch(screen.all(), /went on/);
  },
);

t.test("Ctrl-Z stops the command and us, fg continues both", async (t) => {
  const screen = atTerminal(t, "bash --norc --noprofile -i");
  screen.type(`${exec("echo up; read x; echo back with $x; exit 6")}\n`);
  await screen.shows("up\r\n");
  screen.type(CTRL_Z);
  await screen.shows("Stopped");
  screen.type("fg\n");
  await screen.shows("exec -- sh");
  screen.type("me\n");
  await screen.shows("back with me\r\n");
  screen.type("exit $?\n");
  t.equal(await screen.exitCode, 6);
});

t.test(
  "somebody at a terminal is taken through the login first, and the command then has the keys",
  async (t) => {
    const login = { isThere: false };
    daemon.handlers["token/get"] = () => {
      if (!login.isThere) throw new AuthError("ERR_LOGIN_REQUIRED", "Nobody is logged in.");
      return TOKEN;
    };
    daemon.handlers["login/begin"] = pendingDeviceLogin;
    daemon.handlers["login/await"] = () => {
      login.isThere = true;
      return { state: "loggedIn", status: sessionStatus() };
    };
    const screen = atTerminal(t, exec("echo up; read x; echo $x; exit 8"));
    await screen.shows("Nobody is logged in.");
    await screen.shows("ABCD-12345");
    await screen.shows("up\r\n");
    screen.type("typed\n");
    await screen.shows("typed\r\ntyped\r\n");
    t.equal(await screen.exitCode, 8);
  },
);
