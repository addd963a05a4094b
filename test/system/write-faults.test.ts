/** Writes that fail for real: a token that was exchanged for is kept, served, and stored when the fault is gone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { type AuthorizationServer, startAuthorizationServer } from "../helpers/authorization-server.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { createPlace, failing, type Place } from "../helpers/daemon-place.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { callError, post } from "../helpers/socket-call.js";
import { requireRoot, requireTools, runTool } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

requireTools("mount", "umount", "prlimit", "setpriv", "unshare");
requireRoot();

const DAEMON = fileURLToPath(new URL("../../../daemon/dist/main.js", import.meta.url));

/** `nobody` of Debian. */
const NOBODY = 65_534;

/** Descriptors that are left to a daemon, and streams beyond those: they take what becomes free. */
const ROOM = 10;
const SURPLUS = 5;

/** Something that is wrong with the machine from `begin` to `end`. */
interface MachineFault {
  begin(): unknown;
  end(): unknown;
  /** What `status` says of it. */
  readonly words: RegExp;
}

interface Scene {
  readonly issuer: AuthorizationServer;
  readonly daemon: Daemon;
}

/** A daemon whose Codex home is `codexHome`, with a login in it. */
async function startLoggedIn(t: Test, codexHome: string): Promise<Scene> {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer, env: { CODEX_HOME: codexHome } });
  writeLogin(codexHome, issuer);
  t.equal((await daemon.cli(["status"])).code, 0, "the daemon has seen it");
  return { issuer, daemon };
}

/** Lets the fault begin after the issuer has spent the token, and before the daemon knows of it. */
async function refreshInto(t: Test, { issuer, daemon }: Scene, fault: MachineFault): Promise<void> {
  const client = daemon.client();
  const before = readAuthJson(daemon.codexHome).tokens;
  const hold = issuer.hold("refresh", { afterCommit: true });
  const refreshing = client.refresh();
  await hold.arrived;
  await fault.begin();
  hold.release();
  const status = await refreshing;
  t.match(status, { state: "active", storageState: "pending" });
  t.match(status.lastError, { code: "ERR_STORAGE_UNAVAILABLE", message: fault.words });
  t.match(status.warnings.join(), /in memory only; its write is being retried/);
  t.strictSame(readAuthJson(daemon.codexHome).tokens, before, "the file is as it was");
  const { accessToken } = await client.getAccessToken();
  t.equal(accessToken, issuer.families[0]?.accessTokens[1]?.value, "the new token is served");

  await fault.end();
  await until("the write is tried again", async () => (await client.getStatus()).storageState === "stored");
  t.equal((await client.getStatus()).lastError, null);
  t.equal(readAuthJson(daemon.codexHome).tokens.access_token, accessToken);
  t.equal(readAuthJson(daemon.codexHome).tokens.refresh_token, issuer.families[0]?.refreshTokens[1]?.value);
  t.match(issuer, { exchanges: 1, reuses: 0 });
  t.equal(issuer.requestsTo("refresh").length, 1);
  t.strictSame(temporaryFilesIn(daemon.codexHome), []);
}

function temporaryFilesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith(".auth-"));
}

/** Mounts something on a new folder until the end of the test. */
function mountedFolder(t: Test, options: readonly string[]): string {
  const folder = join(temporaryFolder(t), "codex");
  mkdirSync(folder, { mode: 0o700 });
  const source = options.includes("--bind") ? folder : "tmpfs";
  t.match(runTool(["mount", ...options, source, folder]), { code: 0, stderr: "" });
  t.teardown(() => runTool(["umount", "--lazy", folder]));
  return folder;
}

t.test("new tokens that meet a full disk are kept, served, and stored when there is room", async (t) => {
  const codexHome = mountedFolder(t, ["-t", "tmpfs", "-o", "size=256k"]);
  const scene = await startLoggedIn(t, codexHome);
  const ballast = join(codexHome, "ballast");
  await refreshInto(t, scene, {
    begin: () => t.throws(() => writeFileSync(ballast, Buffer.alloc(1_048_576)), { code: "ENOSPC" }),
    end: () => rmSync(ballast),
    words: /auth\.json cannot be written \(ENOSPC\)\. Free some disk space/,
  });
});

t.test(
  "new tokens that meet a read-only file system are kept, served, and stored when it is not",
  async (t) => {
    const codexHome = mountedFolder(t, ["--bind"]);
    const scene = await startLoggedIn(t, codexHome);
    const remount = (mode: "ro" | "rw") => runTool(["mount", "-o", `remount,bind,${mode}`, codexHome]);
    await refreshInto(t, scene, {
      begin: () => t.match(remount("ro"), { code: 0, stderr: "" }),
      end: () => t.match(remount("rw"), { code: 0, stderr: "" }),
      words: /auth\.json cannot be written \(EROFS\)\. The file system is read-only/,
    });
  },
);

t.test(
  "new tokens that find no free descriptor are kept, served, and stored when callers have gone",
  async (t) => {
    const scene = await startLoggedIn(t, temporaryFolder(t));
    const streams = new Streams(scene.daemon);
    t.teardown(() => streams.close());
    await refreshInto(t, scene, {
      begin: () => streams.takeAll(),
      end: () => streams.close(),
      words: /cannot be written \(EMFILE\)\. Raise the limit of open files/,
    });
  },
);

/** Event streams, which a daemon keeps open for as long as their readers like. */
class Streams {
  readonly #daemon: Daemon;
  readonly #calls: ClientRequest[] = [];

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Lowers the daemon's limit to a few descriptors more than it uses, and takes these. */
  async takeAll(): Promise<void> {
    const { pid } = this.#daemon;
    // What the daemon inherited may have a number far above the others; only those below the limit count.
    const usedBelow = (limit: number): number =>
      readdirSync(`/proc/${pid}/fd`).filter((descriptor) => Number(descriptor) < limit).length;
    let limit = ROOM;
    while (limit - usedBelow(limit) < ROOM) limit += 1;
    runTool(["prlimit", "--pid", `${pid}`, `--nofile=${limit}:${limit}`]);
    for (let count = 0; count < ROOM + SURPLUS; count += 1) this.#open();
    await until("no descriptor is free", () => usedBelow(limit) >= limit);
  }

  close(): void {
    for (const call of this.#calls.splice(0)) call.destroy();
  }

  #open(): void {
    const { socket: socketPath } = this.#daemon;
    const headers = { host: "localhost" };
    const call = request({ socketPath, path: "/v1/events", headers, agent: false }).end();
    // What is over the limit is hung up on.
    call.on("response", (stream) => stream.on("error", () => {}).resume()).on("error", () => {});
    this.#calls.push(call);
  }
}

/** Runs the daemon by way of a tool that takes something from it, and becomes it; answers its process id. */
async function startLimited(t: Test, place: Place, tool: readonly string[]): Promise<number> {
  const [command = "", ...args] = [...tool, process.execPath, DAEMON, "--socket", place.socket];
  const daemon = spawn(command, args, { env: place.env, stdio: "ignore" });
  const ended = once(daemon, "exit");
  t.teardown(() =>
    failing(async () => {
      daemon.kill();
      const [code] = await ended;
      if (code !== 0) throw new Error(`The daemon exited with ${code}.`);
    }),
  );
  await until("the daemon answers", async () => {
    if (daemon.exitCode !== null) throw new Error(`${command} ended with ${daemon.exitCode}.`);
    return call(place, "daemon/status").then(Boolean, () => false);
  });
  return daemon.pid ?? 0;
}

async function call(place: Place, method: string): Promise<{ accessToken?: string } | undefined> {
  const { body } = await post(place.socket, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: {} }));
  return JSON.parse(body).result;
}

/** Root without any privilege over the files of others, as any user is. */
const UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"];

const FOREIGN = {
  "file that belongs to another user": { name: "auth.json", words: /belongs to another user \(uid 65534\)/ },
  "folder that belongs to another user": { name: ".", words: /auth\.json cannot be written \(EACCES\)/ },
};

for (const [what, { name, words }] of Object.entries(FOREIGN)) {
  t.test(`a ${what} is found before a token is spent`, async (t) => {
    const issuer = await startAuthorizationServer(t);
    const place = createPlace(t, { issuer });
    writeLogin(place.codexHome, issuer);
    const path = join(place.codexHome, name);
    runTool(["chmod", "a+rX", place.codexHome, join(place.codexHome, "auth.json")]);
    chownSync(path, NOBODY, NOBODY);
    await startLimited(t, place, UNPRIVILEGED);
    const error = await callError(place.socket, "session/refresh", {});
    t.match(error, { message: words, data: { code: "ERR_STORAGE_UNAVAILABLE" } });
    t.equal(issuer.requestsTo("refresh").length, 0);
    t.ok((await call(place, "token/get"))?.accessToken, "the token is served meanwhile");
    chownSync(path, 0, 0);
    await until("it is refreshed when it can be stored", async () => {
      return (await callError(place.socket, "session/refresh", {})) === undefined;
    });
    t.match(issuer, { exchanges: 1, reuses: 0 });
  });
}

for (const resource of ["instances", "watches"]) {
  t.test(`without inotify ${resource} left, what another process writes is still seen`, async (t) => {
    const issuer = await startAuthorizationServer(t);
    const place = createPlace(t, { issuer });
    writeLogin(place.codexHome, issuer);
    const take = `echo 0 > /proc/sys/user/max_inotify_${resource} && exec "$@"`;
    const pid = await startLimited(t, place, ["unshare", "--map-root-user", "sh", "-c", take, "sh"]);
    t.notMatch(
      runTool(["sh", "-c", `cat /proc/${pid}/fdinfo/*`]).stdout,
      /^inotify wd/m,
      "nothing is watched",
    );
    const accessToken = (): string => readAuthJson(place.codexHome).tokens.access_token;
    t.equal((await call(place, "token/get"))?.accessToken, accessToken());
    writeLogin(place.codexHome, issuer);
    await until("the new login is served", async () => {
      return (await call(place, "token/get"))?.accessToken === accessToken();
    });
    t.equal(issuer.requestsTo("refresh").length, 0);
  });
}
