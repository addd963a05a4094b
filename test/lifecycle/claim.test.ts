import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t from "tap";
import { claimSocket, type SocketClaim } from "#daemon/lifecycle/claim.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { WITHOUT_KOFFI } from "../helpers/without-koffi.js";

const modules = {
  claim: import.meta.resolve("#daemon/lifecycle/claim.js"),
  listen: import.meta.resolve("#daemon/lifecycle/listen.js"),
  log: import.meta.resolve("#daemon/log.js"),
};

/** A daemon of claim and listen alone. It prints what became of it, and runs until it is killed or told to let go. */
const DAEMON = `
  import { createServer } from "node:http";
  import { systemClock as clock } from "@codex-authd/shared";
  import { createLog } from ${JSON.stringify(modules.log)};
  import { claimSocket } from ${JSON.stringify(modules.claim)};
  import { listenOnSocket } from ${JSON.stringify(modules.listen)};
  const result = await claimSocket(process.argv[1], clock);
  if (result.state === "claimed") {
    const log = createLog({ level: "silent", clock });
    const server = createServer((request, response) => response.end(String(process.pid)));
    const listener = await listenOnSocket(server, { claim: result.claim, clock, log });
    process.stdin.once("data", async () => {
      await listener.close();
      console.log("closed");
      process.stdin.once("data", () => process.exit());
    });
  }
  console.log(result.state + " " + result.pid);
`;

function startDaemon(
  t: { teardown(fn: () => void): void },
  path: string,
  preloads: readonly string[] = [],
): ChildProcess {
  const options = preloads.map((url) => `--import=${url}`);
  const child = spawn(process.execPath, [...options, "--input-type=module", "-e", DAEMON, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  return child;
}

async function wordOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new TypeError("no stdout");
  const [line] = await once(child.stdout, "data");
  return String(line).trim();
}

async function claimed(t: { teardown(fn: () => void): void }, path: string): Promise<SocketClaim> {
  const result = await claimSocket(path, systemClock);
  if (result.state !== "claimed") throw new Error("not claimed");
  t.teardown(result.claim.release);
  return result.claim;
}

const modeOf = (path: string): string => (lstatSync(path).mode & 0o777).toString(8);
const invalid = (message: RegExp) => ({ code: "ERR_CONFIG_INVALID", message });

t.test("a path that no socket can have is refused", async (t) => {
  const folder = temporaryFolder(t);
  const long = join(folder, "x".repeat(103 - folder.length));
  await t.rejects(claimSocket(long, systemClock), invalid(/104 bytes long/));
  await t.rejects(claimSocket("relative.sock", systemClock), invalid(/is relative/));
  await claimed(t, long.slice(0, -1));
});

t.test("a folder that is not ours alone is refused, and left as it is", async (t) => {
  const folder = temporaryFolder(t);
  const open = join(folder, "open");
  mkdirSync(open);
  for (const mode of [0o755, 0o710, 0o701, 0o770]) {
    chmodSync(open, mode);
    await t.rejects(
      claimSocket(join(open, "s"), systemClock),
      invalid(/is open to others \(mode 07.*chmod 700/),
    );
    t.equal(statSync(open).mode & 0o777, mode);
  }
  const link = join(folder, "link");
  mkdirSync(join(folder, "real"), 0o700);
  symlinkSync(join(folder, "real"), link);
  await t.rejects(claimSocket(join(link, "s"), systemClock), invalid(/is a link/));
  symlinkSync("/nowhere", join(folder, "dangling"));
  await t.rejects(claimSocket(join(folder, "dangling", "s"), systemClock), invalid(/is a link/));
  writeFileSync(join(folder, "file"), "");
  await t.rejects(claimSocket(join(folder, "file", "s"), systemClock), invalid(/is not a folder/));
});

t.test("a folder of another user is refused", async (t) => {
  const { geteuid } = process;
  t.teardown(() => Object.assign(process, { geteuid }));
  Object.assign(process, { geteuid: () => 4_242 });
  const folder = temporaryFolder(t);
  await t.rejects(claimSocket(join(folder, "s"), systemClock), invalid(/belongs to uid/));
});

t.test("a folder that cannot be created is said", async (t) => {
  const unavailable = { code: "ERR_STORAGE_UNAVAILABLE", message: /cannot be created \(\w+\)/ };
  await t.rejects(claimSocket("/dev/null/folder/s", systemClock), unavailable);
});

t.test("what is no socket is refused, never deleted", async (t) => {
  const path = join(temporaryFolder(t), "s");
  writeFileSync(path, "mine");
  await t.rejects(claimSocket(path, systemClock), invalid(/is not a socket, so it is left alone/));
  t.equal(readFileSync(path, "utf8"), "mine");
});

t.test("a lock that is no file is refused", async (t) => {
  const folder = temporaryFolder(t);
  const unavailable = { code: "ERR_STORAGE_UNAVAILABLE", message: /The lock .* cannot be opened/ };
  mkdirSync(join(folder, "a.lock"));
  await t.rejects(claimSocket(join(folder, "a.sock"), systemClock), unavailable);
  writeFileSync(join(folder, "elsewhere"), "");
  symlinkSync(join(folder, "elsewhere"), join(folder, "b.lock"));
  await t.rejects(claimSocket(join(folder, "b.sock"), systemClock), unavailable);
});

t.test("folder and lock are ours alone from birth, under any umask", async (t) => {
  const folder = temporaryFolder(t);
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  await claimed(t, join(folder, "outer", "inner", "codex-authd.sock"));
  t.equal(modeOf(join(folder, "outer")), "700");
  t.equal(modeOf(join(folder, "outer", "inner")), "700");
  t.equal(modeOf(join(folder, "outer", "inner", "codex-authd.lock")), "600");
});

t.test("two sockets in one folder do not hinder each other", async (t) => {
  const folder = temporaryFolder(t);
  await claimed(t, join(folder, "a.sock"));
  await claimed(t, join(folder, "b.sock"));
});

t.test("a live daemon is not displaced", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const daemon = startDaemon(t, path);
  t.match(await wordOf(daemon), /^claimed/);
  const { ino } = lstatSync(path);
  t.same(await claimSocket(path, systemClock), { state: "alreadyRunning", pid: daemon.pid });
  t.equal(lstatSync(path).ino, ino);
});

t.test("of several that start at once one wins, and the others say so", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const words = await Promise.all([1, 2, 3, 4].map(() => wordOf(startDaemon(t, path))));
  t.equal(words.filter((word) => word.startsWith("claimed")).length, 1);
  t.equal(words.filter((word) => word.startsWith("alreadyRunning")).length, 3);
  t.ok(lstatSync(path).isSocket());
});

t.test("a daemon that was killed is replaced, its socket with it", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const daemon = startDaemon(t, path);
  await wordOf(daemon);
  daemon.kill("SIGKILL");
  await once(daemon, "exit");
  t.ok(existsSync(path), "it left its socket");
  await claimed(t, path);
  t.notOk(existsSync(path));
});

t.test("a daemon on its way out is waited for", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const old = startDaemon(t, path);
  await wordOf(old);
  const closed = wordOf(old);
  old.stdin?.write("close");
  t.equal(await closed, "closed");
  const next = startDaemon(t, path);
  const word = wordOf(next);
  old.stdin?.write("exit");
  t.match(await word, /^claimed/, "and not taken for one that serves");
});

t.test("a daemon that neither answers nor ends is not waited for without end", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const clock = createManualClock();
  await claimed(t, path);
  const second = claimSocket(path, clock);
  let isSettled = false;
  second.finally(() => {
    isSettled = true;
  });
  while (!isSettled) await clock.advance(1_000);
  t.same(await second, { state: "alreadyRunning", pid: process.pid });
});

t.test("somebody who listens without the lock is not displaced either", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const server = createServer().listen(path);
  await once(server, "listening");
  t.teardown(() => server.close());
  t.same(await claimSocket(path, systemClock), { state: "alreadyRunning", pid: undefined });
  t.ok(existsSync(path));
});

t.test("without flock, the probe decides", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const first = startDaemon(t, path, [WITHOUT_KOFFI]);
  t.match(await wordOf(first), /^claimed/);
  t.equal(await wordOf(startDaemon(t, path, [WITHOUT_KOFFI])), `alreadyRunning ${first.pid}`);
  first.kill("SIGKILL");
  await once(first, "exit");
  t.match(await wordOf(startDaemon(t, path, [WITHOUT_KOFFI])), /^claimed/);
});

t.test("what was released can be claimed, and is released once", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const first = await claimed(t, path);
  first.release();
  await claimed(t, path);
  first.release();
  t.equal(readFileSync(join(path, "..", "codex-authd.lock"), "utf8"), `${process.pid}\n`);
});

/** A socket as the service manager passes it: of this process, for the descriptor is all that is looked at. */
async function passSocket(
  t: { teardown(fn: () => void): void },
  path: string,
  mode = 0o600,
): Promise<number> {
  const manager = createServer().listen(path);
  await once(manager, "listening");
  t.teardown(() => manager.close());
  chmodSync(path, mode);
  return Reflect.get(manager, "_handle").fd;
}

t.test("what was passed has to be the listening socket at the path, for us alone", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  for (const descriptor of [999, openSync("/dev/null", "r")]) {
    await t.rejects(claimSocket(path, systemClock, descriptor), {
      code: "ERR_CONFIG_INVALID",
      message: `no listening Unix-domain socket. Set ListenStream=${path}.`,
    });
  }
  await t.rejects(claimSocket(path, systemClock, await passSocket(t, `${path}.other`)), {
    code: "ERR_CONFIG_INVALID",
    message: `listens on ${path}.other, and the configuration says ${path}.`,
  });
  await t.rejects(claimSocket(path, systemClock, await passSocket(t, path, 0o622)), {
    code: "ERR_CONFIG_INVALID",
    message: "Set SocketMode=0600",
  });
});

t.test("a passed socket is claimed once the daemon that lost its path has let go", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  const first = await claimed(t, path);
  const clock = createManualClock();
  const claim = claimSocket(path, clock, await passSocket(t, path));
  await clock.advance(1_000);
  first.release();
  await clock.advance(1_000);
  t.match(await claim, { state: "claimed" });
});

t.test("a passed socket is not claimed from a daemon that stays, which is named", async (t) => {
  const path = join(temporaryFolder(t), "codex-authd.sock");
  await claimed(t, path);
  const clock = createManualClock();
  const claim = claimSocket(path, clock, await passSocket(t, path));
  const outcome = claim.catch((error: unknown) => error);
  for (let second = 0; second <= 12; second++) await clock.advance(1_000);
  t.match(await outcome, {
    code: "ERR_STORAGE_UNAVAILABLE",
    message: `Another codex-authd (process ${process.pid})`,
  });
});
