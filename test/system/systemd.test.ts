/** The user units under a real service manager, and socket activation by systemd's own tool. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { isListening } from "#client/autostart.js";
import { type AuthClient, createAuthClient } from "#client/index.js";
import { type AuthorizationServer, startAuthorizationServer } from "../helpers/authorization-server.js";
import { createPlace, type Place } from "../helpers/daemon-place.js";
import { writeLogin } from "../helpers/logins.js";
import { requireRoot, requireTools, runTool } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";
import { startUserManager, type UserManager } from "../helpers/user-manager.js";

requireRoot();
requireTools("systemctl", "systemd-analyze", "systemd-socket-activate", "unshare");

const ROOT = new URL("../../../", import.meta.url);
const UNITS = fileURLToPath(new URL("systemd/", ROOT));
const PROGRAM = fileURLToPath(new URL("daemon/dist/main.js", ROOT));
const SERVICE = "codex-authd.service";
const SOCKET = "codex-authd.socket";

/** Somebody who is not root. */
const ORDINARY_UID = 65_534;

/** Of 10; what is left is explained in the unit. */
const EXPOSURE_MAX = 5.5;

function unit(name: string): string {
  return readFileSync(join(UNITS, name), "utf8");
}

t.test("the units are flawless, and as closed as an ordinary user's service can be", async (t) => {
  const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: temporaryFolder(t) };
  const paths = [SERVICE, SOCKET].map((name) => join(UNITS, name));
  const verified = runTool(["systemd-analyze", "--user", "verify", ...paths], env);
  t.strictSame(verified, { code: 0, stdout: "", stderr: "" });
  const options = ["--user", "security", "--offline=true", `--threshold=${EXPOSURE_MAX * 10}`];
  const security = runTool(["systemd-analyze", ...options, paths[0] ?? ""], env);
  t.equal(security.code, 0, "the exposure is under its bound");
  t.comment(security.stdout.trim().split("\n").at(-1));
});

interface Scene {
  readonly issuer: AuthorizationServer;
  readonly place: Place;
  readonly manager: UserManager;
  readonly socket: string;
  readonly client: AuthClient;
}

/** The units as a person would install them by hand, with a login to serve. Nothing is started. */
async function setUp(t: Test): Promise<Scene> {
  const issuer = await startAuthorizationServer(t);
  const place = createPlace(t, { issuer });
  writeLogin(place.codexHome, issuer);
  const manager = await startUserManager(t, place.home);
  const command = `${process.execPath} ${PROGRAM} --config ${place.home}/config.toml`;
  manager.write(SERVICE, unit(SERVICE).replace(/^ExecStart=.*$/m, `ExecStart=${command}`));
  manager.write(SOCKET, unit(SOCKET));
  manager.systemctl("daemon-reload");
  const client = createAuthClient({ env: manager.env, cwd: place.home, autostart: false });
  t.teardown(() => client.close());
  const socket = join(manager.env.XDG_RUNTIME_DIR, "codex-authd", "codex-authd.sock");
  return { issuer, place, manager, socket, client };
}

t.test(
  "the first caller starts the daemon, which serves on the manager's socket and leaves it there",
  async (t) => {
    const { manager, client, socket } = await setUp(t);
    t.equal(manager.systemctl("enable", "--now", SOCKET).code, 0);
    t.equal(manager.property(SERVICE, "ActiveState"), "inactive");
    t.match(await client.getStatus(), { state: "active", email: "me@example.com" });
    const { pid } = await client.getDaemonStatus();
    t.equal(manager.property(SERVICE, "MainPID"), `${pid}`);
    t.equal(manager.property(SERVICE, "ActiveState"), "active");
    t.equal(manager.property(SERVICE, "StatusText"), "1 session: 1 active");

    await client.shutdownDaemon();
    await until("it has ended", () => manager.property(SERVICE, "ActiveState") === "inactive");
    t.equal(manager.property(SERVICE, "Result"), "success");
    t.ok(existsSync(socket));
    t.match(await client.getStatus(), { state: "active" });
    t.not((await client.getDaemonStatus()).pid, pid, "the next caller starts the next one");
  },
);

t.test("without the socket unit the daemon binds by itself, and says when it serves", async (t) => {
  const { manager, client, socket } = await setUp(t);
  rmSync(join(manager.env.HOME, ".config/systemd/user", SOCKET));
  manager.systemctl("daemon-reload");
  t.equal(manager.systemctl("start", SERVICE).code, 0);
  t.match(await client.getStatus(), { state: "active" }, "as soon as `start` returns");
  t.equal(manager.systemctl("stop", SERVICE).code, 0);
  t.notOk(existsSync(socket));
});

t.test("a daemon that hangs is killed and started again, and one that is killed as well", async (t) => {
  const { manager, client } = await setUp(t);
  manager.write(`${SERVICE}.d/test.conf`, "[Service]\nWatchdogSec=2\nTimeoutAbortSec=2\nRestartSec=100ms\n");
  manager.systemctl("daemon-reload");
  t.equal(manager.systemctl("start", SOCKET, SERVICE).code, 0);
  const startedAtMs = Date.now();
  await until("three signs of life were due", () => Date.now() - startedAtMs > 3_000);
  t.equal(manager.property(SERVICE, "NRestarts"), "0", "a daemon that lives is left alone");
  for (const [restarts, signal] of [
    ["1", "SIGSTOP"],
    ["2", "SIGKILL"],
  ] as const) {
    const { pid } = await client.getDaemonStatus();
    process.kill(pid, signal);
    await until(`${signal} was noticed`, () => manager.property(SERVICE, "NRestarts") === restarts);
    t.match(await client.getStatus(), { state: "active" });
  }
});

t.test("a daemon that was started by hand makes way for the service", async (t) => {
  const { place, manager, client, socket } = await setUp(t);
  const hand = place.startProgram(["--socket", socket]);
  await until("it serves", () => isListening(socket));
  t.equal((await client.getDaemonStatus()).pid, hand.pid);
  t.equal(manager.systemctl("start", SOCKET).code, 0);
  const { code, stderr } = await hand.ended;
  t.equal(code, 0);
  t.match(stderr, /"daemon\.stopping","reason":"socketLost"/);
  t.match(await client.getStatus(), { state: "active" });
  t.equal(manager.property(SERVICE, "MainPID"), `${(await client.getDaemonStatus()).pid}`);
});

t.test("a hand-started daemon beside the service says that one is running", async (t) => {
  const { place, manager, socket } = await setUp(t);
  t.equal(manager.systemctl("start", SOCKET).code, 0);
  const { code, stdout } = await place.startProgram(["--socket", socket]).ended;
  t.strictSame({ code, stdout }, { code: 0, stdout: `codex-authd is already running on ${socket}\n` });
});

/** `systemd-socket-activate` on the place's socket: it starts the daemon at the first connection. */
function activate(t: Test, place: Place, listen = place.socket): { child: ChildProcess; log(): string } {
  const env = Object.entries(place.env).map(([name, value]) => `--setenv=${name}=${value}`);
  const command = [process.execPath, PROGRAM, "--socket", place.socket];
  const child = spawn("systemd-socket-activate", [`--listen=${listen}`, ...env, ...command], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    log += chunk;
  });
  return { child, log: () => log };
}

async function placeOf(t: Test): Promise<Place> {
  const issuer = await startAuthorizationServer(t);
  const place = createPlace(t, { issuer });
  writeLogin(place.codexHome, issuer);
  mkdirSync(join(place.socket, ".."), { mode: 0o700 });
  return place;
}

t.test("systemd-socket-activate: the daemon serves on the socket, and does not remove it", async (t) => {
  const place = await placeOf(t);
  const { child } = activate(t, place);
  await until("it listens", () => existsSync(place.socket));
  const client = place.client();
  t.match(await client.getStatus(), { state: "active" });
  t.equal((await client.getDaemonStatus()).pid, child.pid);
  const ended = once(child, "exit");
  await client.shutdownDaemon();
  t.strictSame((await ended)[0], 0);
  t.ok(existsSync(place.socket));
});

for (const [what, spoil, complaint] of [
  [
    "whose folder is open to others",
    ({ socket }: Place) => chmodSync(join(socket, ".."), 0o755),
    /is open to others/,
  ],
  ["to which others may connect", ({ socket }: Place) => chmodSync(socket, 0o666), /Set SocketMode=0600/],
] as const) {
  t.test(`a passed socket ${what} is not served`, async (t) => {
    const place = await placeOf(t);
    const { child, log } = activate(t, place);
    await until("it listens", () => existsSync(place.socket));
    spoil(place);
    const ended = once(child, "exit");
    await t.rejects(place.client().getStatus(), { code: "ERR_DAEMON_NOT_RUNNING" });
    t.equal((await ended)[0], 2);
    t.match(log(), complaint);
  });
}

t.test("a passed socket that callers would not find is not served", async (t) => {
  const place = await placeOf(t);
  const elsewhere = `${place.socket}.other`;
  const { child, log } = activate(t, place, elsewhere);
  await until("it listens", () => existsSync(elsewhere));
  const client = createAuthClient({ socketPath: elsewhere, env: place.env, autostart: false });
  const ended = once(child, "exit");
  await t.rejects(client.getStatus(), { code: "ERR_DAEMON_NOT_RUNNING" });
  t.equal((await ended)[0], 2);
  t.match(log(), /The service manager listens on .*\.other, and the configuration says/);
});

t.test("what the unit forbids, an ordinary user's manager can forbid, and Node bears", async (t) => {
  const home = temporaryFolder(t);
  const manager = await startUserManager(t, home, ORDINARY_UID);
  const once = unit(SERVICE)
    .replace("Type=notify", "Type=oneshot")
    .replace(/^ExecStart=.*$/m, `ExecStart=${process.execPath} -e 0`);
  manager.write(SERVICE, once);
  manager.systemctl("daemon-reload");
  t.strictSame(manager.systemctl("start", SERVICE), { code: 0, stdout: "", stderr: "" });
  // The counter-example, so that this test is known to notice.
  manager.write(`${SERVICE}.d/test.conf`, "[Service]\nProtectClock=yes\nRestart=no\n");
  manager.systemctl("daemon-reload");
  t.not(manager.systemctl("start", SERVICE).code, 0);
  t.equal(manager.property(SERVICE, "ExecMainStatus"), "218");
});

t.test("codex-auth service: installed, used, restarted, shown and removed as a person would", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const home = createPlace(t, { issuer });
  writeLogin(home.codexHome, issuer);
  const manager = await startUserManager(t, home.home);
  const place = createPlace(t, {
    issuer,
    home: home.home,
    env: { ...manager.env, CODEX_AUTHD_SOCKET: undefined },
  });
  const service = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await place.cli(["service", ...args, "--json"]);
    t.strictSame({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
    return JSON.parse(stdout);
  };
  t.equal((await place.cli(["token"])).code, 0, "without a service, on demand");
  t.match(await service("install"), {
    files: [{ change: "created" }, { change: "created" }],
    notes: [/^The daemon that ran before was stopped/],
  });
  t.match(await service("install"), {
    files: [{ change: "unchanged" }, { change: "unchanged" }],
    commands: [],
  });
  t.match(await service("status"), { installed: true, enabled: true, active: true, listening: true });
  t.equal((await place.cli(["token"])).code, 0);
  appendFileSync(join(place.home, ".config/systemd/user", SOCKET), "# An older version.\n");
  t.match(await service("install"), { files: [{ change: "unchanged" }, { change: "updated" }] });
  const { pid, sinceMs } = await service("status");
  t.equal(JSON.parse((await place.cli(["daemon", "status", "--json"])).stdout).pid, pid);
  t.ok(Math.abs(Date.now() - sinceMs) < 60_000);
  await service("restart");
  t.not((await service("status")).pid, pid);
  await service("stop");
  t.match(await service("status"), { active: false, listening: false });
  await service("start");
  await service("uninstall");
  t.match(await service("status"), { installed: false, enabled: false, active: false, listening: false });
  t.equal(manager.property(SOCKET, "LoadState"), "not-found");
});
