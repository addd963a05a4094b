import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import type { Command, CommandResult } from "#client/cli/service/command-runner.js";
import { type CliRun, createTestTerminal, runCli } from "../helpers/cli-run.js";
import { createFakeDaemon } from "../helpers/fake-daemon.js";

type Answers = Readonly<Record<string, Partial<CommandResult>>>;

interface Scene {
  readonly home: string;
  /** The commands that were run since the last look, without those that only ask. */
  ran(): string[];
  /** What the commands that begin so answer; the longest beginning counts, and without one they succeed. */
  answers: Answers;
  cli(...args: readonly string[]): Promise<CliRun>;
}

const ASKING = /^(?:systemctl --user show|loginctl show-user|launchctl print)/;

async function setUp(
  t: Test,
  platform: "linux" | "darwin",
  env: Record<string, string> = {},
): Promise<Scene> {
  const daemon = await createFakeDaemon();
  t.teardown(() => daemon.close());
  let commands: string[] = [];
  const run = async (command: Command): Promise<CommandResult> => {
    const line = command.join(" ");
    if (!ASKING.test(line)) commands.push(line);
    const beginnings = Object.keys(scene.answers).filter((beginning) => line.startsWith(beginning));
    const longest = beginnings.sort((a, b) => b.length - a.length)[0] ?? "";
    return { code: 0, stdout: "", stderr: "", ...scene.answers[longest] };
  };
  const show = async (command: Command): Promise<number> => (await run(command)).code;
  const scene: Scene = {
    home: daemon.folder,
    ran() {
      const those = commands;
      commands = [];
      return those;
    },
    answers: {},
    cli: (...args) => {
      const terminal = createTestTerminal(daemon, {
        XDG_RUNTIME_DIR: "/run/user/1000",
        CODEX_AUTHD_SOCKET: `${daemon.folder}/service.sock`,
        ...env,
      });
      return runCli(daemon, ["service", ...args], {
        ...terminal,
        services: { platform, runner: { run, show } },
      });
    },
  };
  return scene;
}

const UNITS = ".config/systemd/user";
const AGENT = "Library/LaunchAgents/codex-authd.plist";

/** Standing answers of a service that is on. */
const SYSTEMD_ON: Answers = {
  "systemctl --user show --timestamp=unix --property=ActiveState,UnitFileState codex-authd.socket": {
    stdout: "ActiveState=active\nUnitFileState=enabled\n",
  },
  "systemctl --user show --timestamp=unix --property=UnitFileState codex-authd.service": {
    stdout: "UnitFileState=enabled\n",
  },
  "systemctl --user show --timestamp=unix --property=ActiveState,ActiveEnterTimestamp": {
    stdout:
      "UnitFileState=enabled\nActiveState=active\nActiveEnterTimestamp=@1764158400\nMainPID=4711\nResult=success\nExecMainStatus=0\nExecMainExitTimestampMonotonic=0\n",
  },
};
const LAUNCHD_OFF: Answers = { "launchctl print": { code: 113 } };

for (const [platform, path] of [
  ["linux", `${UNITS}/codex-authd.service`],
  ["darwin", AGENT],
] as const) {
  t.test(`${platform}: a file that is not ours is neither overwritten nor removed`, async (t) => {
    const scene = await setUp(t, platform);
    const file = join(scene.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "mine");
    for (const command of ["install", "uninstall"]) {
      const { exitCode, stderr } = await scene.cli(command);
      t.equal(exitCode, 1);
      t.match(stderr, `${path} is there and was not written by codex-auth, so it is left alone.`);
    }
    t.equal(readFileSync(file, "utf8"), "mine");
    t.strictSame(scene.ran(), []);
  });

  t.test(`${platform}: --dry-run says what would be done, and does nothing`, async (t) => {
    const scene = await setUp(t, platform);
    scene.answers = LAUNCHD_OFF;
    const { exitCode, stdout } = await scene.cli("install", "--dry-run");
    t.equal(exitCode, 0);
    t.match(stdout, /^Nothing is done; this would be:\n {2}created .*\n[\s\S]* {2}run /);
    t.notOk(existsSync(join(scene.home, path)));
    t.strictSame(scene.ran(), []);
  });
}

t.test("systemd: no manager is said with the way out, as WSL, su and containers need it", async (t) => {
  for (const [env, words] of [
    [{ WSL_DISTRO_NAME: "Debian" }, /"systemd=true" into \/etc\/wsl\.conf/],
    [{ XDG_RUNTIME_DIR: "" }, /XDG_RUNTIME_DIR is not set/],
    [{}, /No systemd of yours can be reached \(no bus\)/],
  ] as const) {
    const scene = await setUp(t, "linux", env);
    scene.answers = { "systemctl --user show --property=Version": { code: 1, stderr: "no bus\n" } };
    const { exitCode, stderr } = await scene.cli("install");
    t.equal(exitCode, 1);
    t.match(stderr, words);
    t.match(stderr, "(ERR_SERVICE_MANAGER)");
  }
});

t.test("systemd: install writes the units with absolute paths, and does so once", async (t) => {
  const scene = await setUp(t, "linux", { CODEX_AUTHD_CONFIG: '/home/a "b"/100%/$c.toml' });
  const units = join(scene.home, UNITS);
  const first = await scene.cli("install", "--json");
  t.match(JSON.parse(first.stdout), {
    manager: "systemd",
    dryRun: false,
    files: [
      { path: join(units, "codex-authd.service"), change: "created" },
      { path: join(units, "codex-authd.socket"), change: "created" },
    ],
  });
  t.strictSame(scene.ran(), [
    "systemctl --user daemon-reload",
    "systemctl --user stop codex-authd.socket codex-authd.service",
    "systemctl --user enable --now codex-authd.socket codex-authd.service",
  ]);
  const service = readFileSync(join(units, "codex-authd.service"), "utf8");
  const socket = `${scene.home}/service.sock`;
  t.match(service, `ExecStart=${process.execPath} /`);
  t.match(service, `/daemon/dist/main.js --socket ${socket} --config "/home/a \\"b\\"/100%%/$$c.toml"\n`);
  t.match(readFileSync(join(units, "codex-authd.socket"), "utf8"), `\nListenStream=${socket}\n`);

  scene.answers = SYSTEMD_ON;
  const second = await scene.cli("install");
  t.match(second.stdout, /unchanged .*\.service\n.*unchanged .*\.socket\nNothing to do\./);
  t.strictSame(scene.ran(), []);
});

t.test("systemd: who does not linger is told how to", async (t) => {
  const scene = await setUp(t, "linux");
  scene.answers = { "loginctl show-user": { stdout: "no\n" } };
  t.match((await scene.cli("install")).stdout, /`loginctl enable-linger` keeps it/);
});

t.test("systemd: uninstall undoes it, and a second time does nothing", async (t) => {
  const scene = await setUp(t, "linux");
  await scene.cli("install");
  scene.ran();
  t.match((await scene.cli("uninstall")).stdout, /removed .*\.service\n.*removed .*\.socket\n/);
  t.strictSame(scene.ran(), [
    "systemctl --user disable --now codex-authd.socket codex-authd.service",
    "systemctl --user daemon-reload",
  ]);
  t.notOk(existsSync(join(scene.home, UNITS, "codex-authd.service")));
  t.match((await scene.cli("uninstall")).stdout, "Nothing to do.");
  t.strictSame(scene.ran(), []);
});

t.test("systemd: what is left of a service is stopped and removed as well", async (t) => {
  const scene = await setUp(t, "linux");
  await scene.cli("install");
  rmSync(join(scene.home, UNITS, "codex-authd.socket"));
  scene.ran();
  t.match((await scene.cli("uninstall")).stdout, /removed .*\.service\n.*absent .*\.socket\n/);
  t.equal(scene.ran()[0], "systemctl --user disable --now codex-authd.service");
});

t.test("systemd: start, stop, restart and logs are the manager's own", async (t) => {
  const scene = await setUp(t, "linux");
  for (const args of [["start"], ["stop"], ["restart"], ["logs", "-n", "7", "-f"]]) {
    t.equal((await scene.cli(...args)).exitCode, 0);
  }
  t.strictSame(scene.ran(), [
    "systemctl --user start codex-authd.socket codex-authd.service",
    "systemctl --user stop codex-authd.socket codex-authd.service",
    "systemctl --user restart codex-authd.service",
    "journalctl --user-unit=codex-authd.service --lines=7 --output=cat --follow",
  ]);
  t.equal((await scene.cli("logs", "-n", "many")).exitCode, 2);
});

t.test("a command of the manager that fails is shown with its words", async (t) => {
  const scene = await setUp(t, "linux");
  scene.answers = { "systemctl --user start": { code: 5, stderr: "Unit codex-authd.socket not found." } };
  const { exitCode, stderr } = await scene.cli("start");
  t.equal(exitCode, 1);
  t.match(
    stderr,
    "`systemctl --user start codex-authd.socket codex-authd.service` failed (exit 5): Unit codex-authd.socket not found.",
  );
});

t.test("systemd: status says what is", async (t) => {
  const scene = await setUp(t, "linux");
  t.match((await scene.cli("status")).stdout, /^The service is not installed\./);
  await scene.cli("install");
  scene.answers = SYSTEMD_ON;
  t.strictSame(JSON.parse((await scene.cli("status", "--json")).stdout), {
    manager: "systemd",
    installed: true,
    enabled: true,
    active: true,
    listening: true,
    pid: 4711,
    sinceMs: 1_764_158_400_000,
    socket: `${scene.home}/service.sock`,
    lastExit: null,
  });
  t.match((await scene.cli("status")).stdout, /^The daemon runs as process 4711 \(systemd\)\.\n {2}since /);
});

t.test("launchd: the agent is bootstrapped, reloaded when it changed, and booted out", async (t) => {
  const scene = await setUp(t, "darwin");
  const agent = join(scene.home, AGENT);
  const gui = `gui/${process.getuid?.()}`;
  scene.answers = LAUNCHD_OFF;
  t.equal((await scene.cli("install")).exitCode, 0);
  t.strictSame(scene.ran(), [`launchctl bootstrap ${gui} ${agent}`]);
  scene.answers = {};
  t.match((await scene.cli("install")).stdout, "Nothing to do.");
  writeFileSync(agent, readFileSync(agent, "utf8").replace("<integer>90", "<integer>9"));
  t.match((await scene.cli("install")).stdout, /updated /);
  t.strictSame(scene.ran(), [`launchctl bootout ${gui}/codex-authd`, `launchctl bootstrap ${gui} ${agent}`]);
  for (const args of [["start"], ["stop"], ["restart"], ["logs"]]) await scene.cli(...args);
  t.strictSame(scene.ran(), [
    `launchctl kickstart ${gui}/codex-authd`,
    `launchctl bootout ${gui}/codex-authd`,
    `launchctl bootout ${gui}/codex-authd`,
    `launchctl bootstrap ${gui} ${agent}`,
    `tail -n 50 ${scene.home}/.local/state/codex-authd/codex-authd.log`,
  ]);
  await scene.cli("uninstall");
  t.strictSame(scene.ran(), [`launchctl bootout ${gui}/codex-authd`]);
  t.notOk(existsSync(agent));
});

t.test("launchd: status reads what launchctl prints", async (t) => {
  const scene = await setUp(t, "darwin");
  await scene.cli("install");
  scene.answers = {
    "launchctl print": {
      stdout: "gui/501/codex-authd = {\n\tstate = running\n\n\tpid = 812\n\tlast exit code = 0\n}\n",
    },
  };
  t.match(JSON.parse((await scene.cli("status", "--json")).stdout), {
    manager: "launchd",
    installed: true,
    active: true,
    pid: 812,
    lastExit: "0",
  });
  scene.answers = LAUNCHD_OFF;
  t.match((await scene.cli("status")).stdout, /^The daemon does not run \(launchd\)\./);
});
