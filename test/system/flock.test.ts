/** The locks of auth.json are the system's own: held against `flock` of util-linux, and by it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { requireTools, runTool } from "../helpers/system-tool.js";
import { until } from "../helpers/until.js";

requireTools("flock");

async function startLoggedIn(t: Test) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  writeLogin(daemon.codexHome, issuer);
  t.equal((await daemon.cli(["status"])).code, 0, "the daemon has seen it");
  const outer = join(daemon.codexHome, "auth.lock");
  const inner = join(daemon.codexHome, "auth.json.lock");
  const accessToken = (): string => readAuthJson(daemon.codexHome).tokens.access_token;
  return { issuer, daemon, outer, inner, accessToken };
}

/** Holds a lock until its stdin is closed. */
async function holdLock(t: Test, path: string): Promise<ChildProcess> {
  const holder = spawn("flock", [path, "sh", "-c", "echo held; read _"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  t.teardown(() => holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  return holder;
}

function isHeld(path: string): boolean {
  return runTool(["flock", "-n", path, "true"]).code === 1;
}

/** Whether a process has `path` open: it holds the lock, or tries to. */
function hasOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((descriptor) => targetOf(join(folder, descriptor)) === path);
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined; // Closed since it was listed.
  }
}

t.test("no token is spent while somebody holds auth.lock", async (t) => {
  const { issuer, daemon, outer, accessToken } = await startLoggedIn(t);
  const before = accessToken();
  const holder = await holdLock(t, outer);
  const refresh = daemon.startCli(["refresh"]);
  await until("the daemon wants the lock", () => hasOpen(daemon.pid, outer));
  t.ok(refresh.isRunning);
  t.strictSame({ exchanges: issuer.exchanges, token: accessToken() }, { exchanges: 0, token: before });
  holder.stdin?.end();
  t.equal((await refresh.ended).code, 0);
  t.not(accessToken(), before);
});

t.test("a write waits for whoever took auth.lock during the exchange", async (t) => {
  const { issuer, daemon, outer, inner, accessToken } = await startLoggedIn(t);
  const before = accessToken();
  const exchange = issuer.hold("refresh");
  const refresh = daemon.startCli(["refresh"]);
  await exchange.arrived;
  t.strictSame([outer, inner].map(isHeld), [false, false], "nothing is held over the network");
  const holder = await holdLock(t, outer);
  exchange.release();
  await until("the daemon wants the lock", () => hasOpen(daemon.pid, outer));
  t.strictSame({ exchanges: issuer.exchanges, token: accessToken() }, { exchanges: 1, token: before });
  t.ok(refresh.isRunning);
  holder.stdin?.end();
  t.equal((await refresh.ended).code, 0);
  t.not(accessToken(), before);
  t.equal(issuer.exchanges, 1, "the exchange is not repeated");
});

t.test("a writing daemon holds auth.lock before auth.json.lock, and gives both back", async (t) => {
  const { daemon, outer, inner, accessToken } = await startLoggedIn(t);
  const before = accessToken();
  t.notOk(isHeld(outer));
  const holder = await holdLock(t, inner);
  const refresh = daemon.startCli(["refresh"]);
  await until("the daemon holds auth.lock", () => isHeld(outer));
  t.equal(accessToken(), before);
  holder.stdin?.end();
  t.equal((await refresh.ended).code, 0);
  t.not(accessToken(), before);
  t.strictSame([outer, inner].map(isHeld), [false, false]);
});
