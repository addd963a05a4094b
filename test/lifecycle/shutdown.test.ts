/** In a process of its own, since how it ends is the subject. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";

const PROGRAM = `
  import { systemClock } from "@codex-authd/shared";
  import { createLog } from ${JSON.stringify(import.meta.resolve("#daemon/log.js"))};
  import { superviseShutdown } from ${JSON.stringify(import.meta.resolve("#daemon/lifecycle/shutdown.js"))};
  const log = createLog({ level: "info", clock: systemClock });
  const alive = setInterval(() => {}, 1_000);
  const closes = {
    quick: async () => {},
    failing: async () => { throw new Error("no close for rt_secret-of-close") },
    endless: () => new Promise(() => {}),
  };
  const shutdown = superviseShutdown({ log, clock: systemClock, close: async () => {
    log.info({ event: "test.closing" });
    await closes[process.argv[1]]();
  } });
  process.stdin.on("data", (word) => {
    if (String(word) === "begin") { shutdown.begin("request"); shutdown.begin("request") }
    if (String(word) === "throw") throw new Error("thrown with rt_secret-of-crash");
    if (String(word) === "reject") Promise.reject(new Error("rejected with rt_secret-of-crash"));
  });
  log.info({ event: "test.ready" });
`;

interface Program {
  readonly child: ChildProcess;
  /** Resolves when an event of that name was logged. */
  logged(event: string): Promise<void>;
  ended(): Promise<{ code: number | null; signal: string | null; log: string }>;
}

async function start(
  t: { teardown(fn: () => void): void },
  close: "quick" | "failing" | "endless",
): Promise<Program> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, close], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const exit = once(child, "close");
  const lines: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (line) => lines.push(line));
  const program: Program = {
    child,
    async logged(event) {
      while (!lines.join("").includes(`"event":"${event}"`) && child.stderr) await once(child.stderr, "data");
    },
    async ended() {
      const [code, signal] = await exit;
      return { code, signal, log: lines.join("") };
    },
  };
  await program.logged("test.ready");
  return program;
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  t.test(`${signal} closes and exits 0`, async (t) => {
    const { child, ended } = await start(t, "quick");
    child.kill(signal);
    const { code, log } = await ended();
    t.equal(code, 0);
    t.match(log, new RegExp(`"event":"daemon.stopping","reason":"${signal}"`));
    t.match(log, /"event":"daemon.stopped"/);
  });
}

t.test("a request from inside is as good as a signal, and counts once", async (t) => {
  const { child, ended } = await start(t, "quick");
  child.stdin?.write("begin");
  const { code, log } = await ended();
  t.equal(code, 0);
  t.equal(log.match(/test\.closing/g)?.length, 1);
});

t.test("a close that fails is exit 1, without secrets", async (t) => {
  const { child, ended } = await start(t, "failing");
  child.kill("SIGTERM");
  const { code, log } = await ended();
  t.equal(code, 1);
  t.match(log, /"event":"daemon.stopFailed"/);
  t.notMatch(log, /secret/);
});

t.test("a second signal exits at once", async (t) => {
  const { child, logged, ended } = await start(t, "endless");
  child.kill("SIGTERM");
  await logged("test.closing");
  child.kill("SIGINT");
  t.match(await ended(), { code: 130, signal: null });
});

t.test("what nobody caught is logged without secrets and is exit 1", async (t) => {
  for (const word of ["throw", "reject"]) {
    const { child, ended } = await start(t, "quick");
    child.stdin?.write(word);
    const { code, log } = await ended();
    t.equal(code, 1);
    t.match(log, /"level":"fatal".*"event":"daemon.crashed"/);
    t.notMatch(log, /secret/);
  }
});

t.test("SIGUSR1 opens no inspector, and SIGPIPE ends nothing", async (t) => {
  const { child, logged, ended } = await start(t, "quick");
  child.kill("SIGPIPE");
  child.kill("SIGUSR1");
  await logged("signal.ignored");
  child.kill("SIGTERM");
  const { code, log } = await ended();
  t.equal(code, 0);
  t.notMatch(log, /Debugger listening/);
});
