import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t, { type Test } from "tap";
import { createAuthClient } from "#client/index.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { createPlace } from "../helpers/daemon-place.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { processesWith } from "../helpers/process-list.js";
import { until } from "../helpers/until.js";

const CALLERS = 20;

async function setUp(t: Test) {
  const issuer = await startAuthorizationServer(t);
  const place = createPlace(t, { issuer });
  writeLogin(place.codexHome, issuer);
  return { issuer, place };
}

async function pidOfDaemon(place: {
  cli(args: readonly string[]): Promise<{ stdout: string }>;
}): Promise<number> {
  return JSON.parse((await place.cli(["daemon", "status", "--json"])).stdout).pid;
}

t.test("twenty callers without a daemon start one, and all are served", async (t) => {
  const { place } = await setUp(t);
  const { access_token: token } = readAuthJson(place.codexHome).tokens;
  const startedAtMs = Date.now();
  const runs = await Promise.all(
    Array.from({ length: CALLERS }, (_, index) => place.cli([index % 2 === 0 ? "token" : "status"])),
  );
  t.comment(`${CALLERS} processes, ${Date.now() - startedAtMs} ms`);
  for (const { code, stderr } of runs) t.strictSame({ code, stderr }, { code: 0, stderr: "" });
  t.equal(runs.filter(({ stdout }) => stdout.trim() === token).length, CALLERS / 2);
  await until("one daemon is left", () => processesWith(place.socket).length === 1);
  t.strictSame(processesWith(place.socket), [await pidOfDaemon(place)]);
  t.notOk(existsSync(`${place.socket}.starting`));
});

t.test("a daemon that was started on demand outlives its caller, and stops on request", async (t) => {
  const { place } = await setUp(t);
  t.equal((await place.cli(["token"])).code, 0);
  const pid = await pidOfDaemon(place);
  t.equal((await place.cli(["status"])).code, 0);
  t.equal(await pidOfDaemon(place), pid);
  t.strictSame(await place.cli(["daemon", "stop"]), {
    code: 0,
    stdout: "The daemon has stopped.\n",
    stderr: "",
  });
  t.strictSame(processesWith(place.socket), []);
  t.notOk(existsSync(place.socket));
  t.equal((await place.cli(["daemon", "status"])).code, 4);
});

t.test("a library client starts a daemon for itself, unless it was told not to", async (t) => {
  const { place } = await setUp(t);
  const options = { env: place.env, cwd: place.home };
  const shy = createAuthClient({ ...options, autostart: false });
  t.teardown(() => shy.close());
  await t.rejects(shy.getStatus(), { code: "ERR_DAEMON_NOT_RUNNING" });
  const client = createAuthClient(options);
  t.teardown(() => client.close());
  t.match(await client.getStatus(), { state: "active", email: "me@example.com" });
  t.match(await shy.getStatus(), { state: "active" });
});

t.test("a hundred clients of the library that need a daemon at once get one", async (t) => {
  const { place } = await setUp(t);
  const clients = Array.from({ length: 100 }, () => createAuthClient({ env: place.env, cwd: place.home }));
  t.teardown(() => Promise.all(clients.map((client) => client.close())));
  const states = await Promise.all(clients.map(async (client) => (await client.getStatus()).state));
  t.strictSame(states, Array(100).fill("active"));
  t.strictSame(processesWith(place.socket), [await pidOfDaemon(place)]);
});

t.test("a second daemon says that one is running, and exits 0", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  const { code, stdout } = await daemon.startProgram().ended;
  t.equal(code, 0);
  t.equal(stdout, `codex-authd is already running (pid ${daemon.pid}) on ${daemon.socket}\n`);
  t.match(JSON.parse((await daemon.cli(["daemon", "start", "--json"])).stdout), { pid: daemon.pid });
});

t.test("of ten daemons that start at once one serves, and the others go with 0", async (t) => {
  const { place } = await setUp(t);
  const programs = Array.from({ length: 10 }, () => place.startProgram());
  const losers = programs.map(({ ended }) => ended.then(({ code }) => code));
  const codes: (number | null)[] = [];
  for (const loser of losers) void loser.then((code) => codes.push(code));
  while (codes.length < 9) await delay(20);
  t.strictSame(codes, Array(9).fill(0));
  t.equal(processesWith(place.socket).length, 1);
  t.equal((await place.cli(["token"])).code, 0);
  const winner = programs.find(({ isRunning }) => isRunning);
  winner?.kill("SIGTERM");
  t.equal((await winner?.ended)?.code, 0);
});

t.test("the socket of a killed daemon is replaced, by a start and by a caller", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const first = await startDaemon(t, { issuer });
  await first.stop("SIGKILL");
  t.ok(existsSync(first.socket));
  const second = await startDaemon(t, { issuer, home: first.home });
  t.equal(await pidOfDaemon(second), second.pid);
  await second.stop("SIGKILL");
  t.ok(existsSync(first.socket));
  t.equal((await second.cli(["status"])).code, 3);
  t.not(await pidOfDaemon(second), second.pid);
});

t.test("a daemon that was started on demand writes its log into the state folder", async (t) => {
  const { place } = await setUp(t);
  t.equal((await place.cli(["refresh"])).code, 0);
  const log = readFileSync(`${place.home}/.local/state/codex-authd/codex-authd.log`, "utf8");
  const events = log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).event);
  const expected = ["socket.listening", "daemon.ready", "refresh.started", "refresh.succeeded"];
  t.strictSame(
    events.filter((event) => expected.includes(event)),
    expected,
  );
});
