import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { isListening, type StartOptions, startDaemon } from "#client/autostart.js";
import { daemonEnvironment } from "#client/daemon-program.js";
import { createAuthClient } from "#client/index.js";
import { createManualClock } from "../helpers/manual-clock.js";

/** Listens on the path after `--socket`, notes each start, and ends when `quit` appears or after a while. */
const DAEMON = `
import { appendFileSync, existsSync } from "node:fs";
import { createServer } from "node:net";
const socket = process.argv[process.argv.indexOf("--socket") + 1];
appendFileSync(socket + ".starts", JSON.stringify({ pid: process.pid, cwd: process.cwd(), env: process.env }) + "\\n");
createServer((connection) => connection.end()).listen(socket);
setInterval(() => existsSync(socket + ".quit") && process.exit(), 20);
setTimeout(() => process.exit(), 30_000);
`;

/** Runs and never listens; ends when its folder is gone, or after a while. */
const DEAF = `
import { existsSync } from "node:fs";
setInterval(() => existsSync(process.argv[1]) || process.exit(), 20);
setTimeout(() => process.exit(), 30_000);
`;

/** What the daemon's claim waits for a predecessor that is draining: a start has to be waited for longer. */
const OWNER_SETTLES_MS = 12_000;

interface Place extends StartOptions {
  readonly folder: string;
  starts(): Promise<{ cwd: string; env: Record<string, string> }[]>;
}

/** A short path: a socket's has at most 103 bytes. */
async function setUp(t: Test, program: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "start-"));
  const script = join(folder, "daemon.mjs");
  const socketPath = join(folder, "run", "d.sock");
  await writeFile(script, program);
  t.teardown(async () => {
    if (existsSync(join(folder, "run"))) await writeFile(`${socketPath}.quit`, "");
    while (await isListening(socketPath)) await new Promise((resolve) => setTimeout(resolve, 20));
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    socketPath,
    clock: systemClock,
    env: { PATH: process.env.PATH, HOME: folder, OPENAI_API_KEY: "sk-secret", CODEX_HOME: "/c" },
    program: { command: process.execPath, args: [script] },
    starts: async () =>
      (await readFile(`${socketPath}.starts`, "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
  };
}

/** A clock whose timers are due at once, each time by as much later as was asked for. */
function createHastyClock(): Clock {
  let nowMs = Date.now();
  return {
    now: () => nowMs,
    setTimer(delayMs, callback) {
      const timer = setImmediate(() => {
        nowMs += delayMs;
        callback();
      });
      return () => clearImmediate(timer);
    },
  };
}

/** A clock that stands still, and a signal that aborts as soon as somebody takes a nap by it. */
function createAbortingClock(): { clock: Clock; signal: AbortSignal } {
  const abort = new AbortController();
  const clock = createManualClock(Date.now());
  const setTimer: Clock["setTimer"] = (delayMs, callback) => {
    if (delayMs < 1_000) queueMicrotask(() => abort.abort(new Error("enough")));
    return clock.setTimer(delayMs, callback);
  };
  return { clock: { ...clock, setTimer }, signal: abort.signal };
}

t.test("a program that fails is reported with its last words", async (t) => {
  const place = await setUp(t, 'console.error("the disk is made of cheese"); process.exit(3);');
  await t.rejects(startDaemon(place), {
    code: "ERR_DAEMON_NOT_RUNNING",
    message:
      /ended at once \(exit code 3\).*\.local\/state\/codex-authd\/codex-authd\.log:\nthe disk is made of cheese/s,
  });
  t.notOk(existsSync(`${place.socketPath}.starting`), "the marker is given back");
});

t.test("a program that is not there is reported by its name", async (t) => {
  const place = await setUp(t, "");
  const program = { command: "no-such-daemon", args: [] };
  await t.rejects(startDaemon({ ...place, program }), {
    code: "ERR_DAEMON_NOT_RUNNING",
    message: /no-such-daemon cannot be run/,
  });
});

t.test("a program that does not listen is given up after longer than a drain may take", async (t) => {
  const place = await setUp(t, DEAF);
  const clock = createHastyClock();
  const startedAtMs = clock.now();
  await t.rejects(startDaemon({ ...place, clock }), {
    code: "ERR_DAEMON_NOT_RUNNING",
    message: /did not listen within 15 s\. It wrote nothing to /,
  });
  t.ok(clock.now() - startedAtMs > OWNER_SETTLES_MS);
});

t.test("a signal ends the wait for a program that does not listen, and gives the marker back", async (t) => {
  const place = await setUp(t, DEAF);
  await t.rejects(startDaemon({ ...place, ...createAbortingClock() }), { message: "enough" });
  t.notOk(existsSync(`${place.socketPath}.starting`));
});

t.test("a signal ends the wait of a call for a daemon that another process is starting", async (t) => {
  const { folder, socketPath, env } = await setUp(t, DEAF);
  await mkdir(join(folder, "run"));
  await writeFile(`${socketPath}.starting`, `${process.ppid}\n`);
  const { clock, signal } = createAbortingClock();
  const client = createAuthClient({ socketPath, env, cwd: folder, clock });
  await t.rejects(client.getStatus({ signal }), { message: "enough" });
});

t.test("a signal that has aborted before starts nothing", async (t) => {
  const place = await setUp(t, DAEMON);
  const signal = AbortSignal.abort(new Error("before"));
  await t.rejects(startDaemon({ ...place, signal }), { message: "before" });
  t.notOk(existsSync(join(place.folder, ".local")), "a start begins with its log");
});

t.test("only the lines of this start are quoted", async (t) => {
  const place = await setUp(t, 'console.error("second"); process.exit(1);');
  await t.rejects(startDaemon(place));
  const error = await startDaemon(place).catch((reason: Error) => reason.message);
  t.equal(`${error}`.match(/second/g)?.length, 1);
});

t.test("the daemon gets a scrubbed environment, a root folder, and a log of its own", async (t) => {
  const place = await setUp(t, DAEMON);
  await startDaemon(place);
  t.ok(await isListening(place.socketPath));
  const [start] = await place.starts();
  t.equal(start?.cwd, "/");
  t.match(start?.env, { HOME: place.folder, CODEX_HOME: "/c", OPENAI_API_KEY: undefined });
  const log = join(place.folder, ".local/state/codex-authd/codex-authd.log");
  t.equal((await stat(log)).mode & 0o777, 0o600);
  t.equal((await stat(join(log, ".."))).mode & 0o777, 0o700);
  t.equal((await stat(join(place.socketPath, ".."))).mode & 0o777, 0o700);
  t.notOk(existsSync(`${place.socketPath}.starting`));
});

t.test("a hundred callers at once start one", async (t) => {
  const place = await setUp(t, DAEMON);
  await Promise.all(Array.from({ length: 100 }, () => startDaemon(place)));
  t.equal((await place.starts()).length, 1);
});

t.test("one that listens already is left alone", async (t) => {
  const place = await setUp(t, DAEMON);
  await startDaemon(place);
  await startDaemon({ ...place, program: { command: "no-such-daemon", args: [] } });
  t.equal((await place.starts()).length, 1);
});

t.test("a program that ends well without serving is started again: another one was draining", async (t) => {
  const place = await setUp(
    t,
    `import { existsSync, writeFileSync } from "node:fs";
     const flag = process.argv.at(-1) + ".seen";
     if (!existsSync(flag)) { writeFileSync(flag, ""); process.exit(0); }
     ${DAEMON.replace(/^import \{ appendFileSync, existsSync \}/m, "import { appendFileSync }")}`,
  );
  await startDaemon(place);
  t.ok(await isListening(place.socketPath));
});

t.test("where a service is installed, it is waited for before another daemon is started", async (t) => {
  const place = await setUp(t, DAEMON);
  const units = join(place.folder, ".config/systemd/user");
  await mkdir(units, { recursive: true });
  await writeFile(join(units, "codex-authd.service"), "");
  const startedAtMs = Date.now();
  await startDaemon(place);
  t.ok(Date.now() - startedAtMs >= 2_000);
  t.equal((await place.starts()).length, 1, "one that does not come is not waited for longer");
});

t.test("a client that shall start none, starts none", async (t) => {
  const { folder, socketPath, env } = await setUp(t, DAEMON);
  const client = createAuthClient({ socketPath, env, cwd: folder, autostart: false });
  await t.rejects(client.getStatus(), { code: "ERR_DAEMON_NOT_RUNNING" });
  const starter = createAuthClient({ socketPath, env, cwd: folder });
  await t.rejects(
    starter.getDaemonStatus(),
    { code: "ERR_DAEMON_NOT_RUNNING" },
    "nor does a look at the daemon",
  );
  t.notOk(existsSync(join(folder, "run")));
});

t.test("no secret of the caller's environment goes along, and no way through the network", async (t) => {
  const env = {
    PATH: "/bin",
    XDG_RUNTIME_DIR: "/run/user/1",
    CODEX_AUTHD_CONFIG: "/c.toml",
    LC_ALL: "C",
    HTTPS_PROXY: "http://proxy:8080",
    CODEX_CA_CERTIFICATE: "/ca.pem",
    NODE_EXTRA_CA_CERTS: "/ca.pem",
    OPENAI_API_KEY: "sk",
    CODEX_API_KEY: "sk",
    CODEX_ACCESS_TOKEN: "t",
    NODE_OPTIONS: "--inspect",
    LD_PRELOAD: "x.so",
  };
  t.same(Object.keys(daemonEnvironment(env)), ["PATH", "XDG_RUNTIME_DIR", "CODEX_AUTHD_CONFIG", "LC_ALL"]);
});
