/** What nobody answers ends in an error in time: the child, the daemon, or the host is silent. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { AuthBridge } from "#client/app-server/auth-bridge.js";
import { inTime } from "#client/app-server/external-login.js";
import { type AuthFailure, connectAppServer } from "#client/app-server/index.js";
import { createAuthClient } from "#client/index.js";
import { createLoggedInDaemon, TOKEN } from "../helpers/fake-daemon.js";
import { CLIENT_INFO } from "../helpers/hosted-app-server.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

const silence = (): Promise<never> => new Promise(() => {});

const daemon = await createLoggedInDaemon();
t.teardown(() => daemon.close());
const auth = createAuthClient({ env: daemon.env, autostart: false });
t.teardown(() => auth.close());

t.test("a program that never answers initialize is ended after 30 s, and not before", async (t) => {
  const clock = createManualClock();
  const cwd = temporaryFolder(t);
  const pidFile = join(cwd, "pid");
  // Begins to exist when `initialize` has arrived.
  const program = `process.stdin.once("data", () => require("node:fs").writeFileSync("pid", String(process.pid)));`;
  const connecting = connectAppServer({
    command: process.execPath,
    args: ["-e", program],
    cwd,
    processEnv: { PATH: process.env.PATH },
    clientInfo: CLIENT_INFO,
    auth,
    clock,
  });
  let isOver = false;
  connecting
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  await until("the program has its initialize", () => existsSync(pidFile));
  await clock.advance(29_999);
  t.notOk(isOver);
  await clock.advance(1);
  await t.rejects(connecting, { code: "ERR_APP_SERVER_NOT_STARTED", message: /`initialize` within 30 s/ });
  t.throws(() => process.kill(Number(readFileSync(pidFile, "utf8")), 0), { code: "ESRCH" });
});

t.test("a daemon that says nothing gives the child its number after 9 s, until it speaks", async (t) => {
  const clock = createManualClock();
  const failures: AuthFailure[] = [];
  const bridge = new AuthBridge({
    auth,
    selector: {},
    hand: async () => {},
    onFailure: (failure) => failures.push(failure),
    clock,
  });
  await bridge.start({ pushes: false });
  let speak = (_: typeof TOKEN): void => {};
  daemon.handlers["token/get"] = () =>
    new Promise((resolve) => {
      speak = resolve;
    });
  for (const told of [0, 1]) {
    const answer = bridge.answer({ reason: "unauthorized" });
    answer.catch(() => {});
    await clock.advance(8_999);
    t.equal(failures.length, told);
    await clock.advance(1);
    await t.rejects(answer, { name: "AppServerError", code: 1102, message: /no token within 9 s/ });
  }
  t.match(failures, [{ code: "ERR_DAEMON_TIMEOUT", retryable: true, message: /codex-auth status/ }]);
  const answer = bridge.answer({ reason: "unauthorized" });
  await until("the daemon was asked", () => daemon.count("token/get") === 2);
  speak({ ...TOKEN, accessToken: "eyJ.newer" });
  t.match(await answer, { accessToken: "eyJ.newer" });
});

t.test("a host that answers itself and says nothing gives the child a number after 9 s", async (t) => {
  const clock = createManualClock();
  const answer = Promise.resolve(inTime(silence, clock)({ reason: "unauthorized" }));
  answer.catch(() => {});
  await clock.advance(9_000);
  await t.rejects(answer, {
    name: "AppServerError",
    code: 1105,
    message: /The host gave no token within 9 s/,
  });
});
