import t from "tap";
import { takeSupervision } from "#daemon/lifecycle/supervision.js";

const PID = 4711;

const NOTHING = { notifyAddress: undefined, passedSocket: undefined, watchdogMs: undefined };

t.test("more than one socket is refused, by name", async (t) => {
  const env = { LISTEN_PID: `${PID}`, LISTEN_FDS: "2", LISTEN_FDNAMES: "a.socket:b.socket" };
  t.throws(() => takeSupervision(env, PID), {
    code: "ERR_CONFIG_INVALID",
    message: /passed 2 sockets \(a\.socket:b\.socket\)/,
  });
});

t.test("what is meant for another process, or means nothing, counts as not said", async (t) => {
  for (const env of [
    {},
    { LISTEN_FDS: "1" },
    { LISTEN_PID: "1", LISTEN_FDS: "1", WATCHDOG_PID: "1", WATCHDOG_USEC: "1000000" },
    { LISTEN_PID: `${PID}`, LISTEN_FDS: "0", WATCHDOG_USEC: "0" },
    { LISTEN_PID: `${PID}`, LISTEN_FDS: "-1", WATCHDOG_USEC: "soon" },
  ]) {
    t.strictSame(takeSupervision({ ...env }, PID), NOTHING, JSON.stringify(env));
  }
});

t.test("what a manager says is taken, and taken out of the environment", async (t) => {
  const env: NodeJS.ProcessEnv = {
    HOME: "/home/me",
    NOTIFY_SOCKET: "/run/notify",
    LISTEN_PID: `${PID}`,
    LISTEN_FDS: "1",
    LISTEN_FDNAMES: "codex-authd.socket",
    WATCHDOG_PID: `${PID}`,
    WATCHDOG_USEC: "30000000",
  };
  t.strictSame(takeSupervision(env, PID), {
    notifyAddress: "/run/notify",
    passedSocket: 3,
    watchdogMs: 30_000,
  });
  t.strictSame(env, { HOME: "/home/me" }, "children are not told");
});

t.test("a watchdog that names nobody is for us", async (t) => {
  t.equal(takeSupervision({ WATCHDOG_USEC: "500000" }, PID).watchdogMs, 500);
});
