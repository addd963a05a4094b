import t, { type Test } from "tap";
import { createNotifier } from "#daemon/lifecycle/notify.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { recordingLog } from "../helpers/rpc-harness.js";

function setUp(t: Test, { notifyAddress = "/run/notify", watchdogMs = 10_000, isAbsent = false } = {}) {
  const sent: string[] = [];
  const clock = createManualClock();
  const { log, lines } = recordingLog();
  const open = t.captureFn(() => (isAbsent ? undefined : { send: (text: string) => void sent.push(text) }));
  const supervision = { notifyAddress: notifyAddress || undefined, passedSocket: undefined, watchdogMs };
  return { sent, clock, lines, open, notifier: createNotifier(supervision, { clock, log, open }) };
}

t.test("without a manager nothing is opened, said or logged", async (t) => {
  const { clock, lines, open, notifier } = setUp(t, { notifyAddress: "" });
  notifier.ready();
  notifier.stopping();
  await clock.advance(60_000);
  t.strictSame([open.calls.length, lines], [0, []]);
});

t.test("a manager that cannot be told is said in the log, and nothing else happens", async (t) => {
  const { clock, sent, lines, notifier } = setUp(t, { isAbsent: true });
  notifier.ready();
  await clock.advance(60_000);
  t.strictSame(sent, []);
  t.match(lines, [{ event: "notify.unavailable", reason: /koffi is not installed/ }]);
});

t.test("a manager that does not take it is a warning, each time", async (t) => {
  const { log, lines } = recordingLog();
  const open = () => ({
    send() {
      throw new Error("sendto failed: ENOENT");
    },
  });
  const supervision = { notifyAddress: "/gone", passedSocket: undefined, watchdogMs: undefined };
  createNotifier(supervision, { clock: createManualClock(), log, open }).ready();
  t.match(lines, [{ event: "notify.failed" }]);
});

t.test(
  "signs of life begin with readiness, come at half of what is allowed, and end with the stop",
  async (t) => {
    const { clock, sent, notifier } = setUp(t);
    await clock.advance(60_000);
    t.strictSame(sent, []);
    notifier.ready();
    await clock.advance(4_999);
    t.strictSame(sent, ["READY=1"]);
    await clock.advance(1);
    await clock.advance(5_000);
    t.strictSame(sent, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    notifier.stopping();
    await clock.advance(60_000);
    t.strictSame(sent.slice(3), ["STOPPING=1"]);
  },
);

t.test("the status line is shown at once, and after every change", async (t) => {
  const { sent, notifier } = setUp(t);
  let change = (): void => {};
  let words = "1 session: 1 active";
  notifier.follow({
    summary: () => words,
    onChange: (listener) => {
      change = listener;
    },
  });
  words = "1 session: 1 signed out";
  change();
  t.strictSame(sent, ["STATUS=1 session: 1 active", "STATUS=1 session: 1 signed out"]);
});
