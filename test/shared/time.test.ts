import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { promisify } from "node:util";
import { type Clock, sleep, systemClock, withDeadline } from "@codex-authd/shared";
import t from "tap";
import { createManualClock, type ManualClock } from "../helpers/manual-clock.js";

/** A manual clock that says how many of its timers are pending. */
function countingClock(): ManualClock & { readonly pending: () => number } {
  const clock = createManualClock();
  let pending = 0;
  const setTimer: Clock["setTimer"] = (delayMs, callback) => {
    let isDone = false;
    const done = (): void => {
      if (!isDone) pending -= 1;
      isDone = true;
    };
    pending += 1;
    const cancel = clock.setTimer(delayMs, () => {
      done();
      callback();
    });
    return () => {
      done();
      cancel();
    };
  };
  return { ...clock, setTimer, pending: () => pending };
}

/** `pending`, `resolved` or `rejected`, as of now. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  const settled = promise.then(
    () => "resolved",
    () => "rejected",
  );
  return Promise.race([settled, new Promise<string>((resolve) => setImmediate(resolve, "pending"))]);
}

t.test("sleep", async (t) => {
  t.test("refuses a signal that has aborted, and sets no timer", async (t) => {
    const clock = countingClock();
    await t.rejects(sleep(clock, 10, AbortSignal.abort(new Error("stop"))), { message: "stop" });
    t.equal(clock.pending(), 0);
  });
  t.test("rejects with the signal's reason when it aborts, and cancels its timer", async (t) => {
    const clock = countingClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 10, controller.signal);
    controller.abort(new Error("stop"));
    await t.rejects(sleeping, { message: "stop" });
    t.equal(clock.pending(), 0);
  });
  t.test("rejects with an AbortError when no reason was given", async (t) => {
    const controller = new AbortController();
    const sleeping = sleep(countingClock(), 10, controller.signal);
    controller.abort();
    await t.rejects(sleeping, { name: "AbortError" });
  });
  t.test("resolves when its time has come, not before", async (t) => {
    const clock = countingClock();
    const sleeping = sleep(clock, 10);
    await clock.advance(9);
    t.equal(await stateOf(sleeping), "pending");
    await clock.advance(1);
    t.equal(await stateOf(sleeping), "resolved");
  });
  t.test("leaves no listener on a signal, however often it is used", async (t) => {
    const clock = countingClock();
    const { signal } = new AbortController();
    for (let round = 0; round < 20; round += 1) {
      const sleeping = sleep(clock, 1, signal);
      await clock.advance(1);
      await sleeping;
    }
    t.equal(getEventListeners(signal, "abort").length, 0);
  });
  t.test("does not mind an abort after its end", async (t) => {
    const clock = countingClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 1, controller.signal);
    await clock.advance(1);
    controller.abort();
    t.equal(await stateOf(sleeping), "resolved");
  });
});

t.test("withDeadline", async (t) => {
  const late = { afterMs: 10, error: () => new Error("too late") };
  t.test("rejects with the error of its maker after the time, not before", async (t) => {
    const clock = countingClock();
    const bounded = withDeadline(clock, new Promise(() => {}), late);
    await clock.advance(9);
    t.equal(await stateOf(bounded), "pending");
    await clock.advance(1);
    await t.rejects(bounded, { message: "too late" });
  });
  t.test("settles as the promise does, and cancels its timer", async (t) => {
    const clock = countingClock();
    t.equal(await withDeadline(clock, Promise.resolve(1), late), 1);
    await t.rejects(withDeadline(clock, Promise.reject(new Error("own")), late), { message: "own" });
    await clock.advance(0);
    t.equal(clock.pending(), 0);
  });
  t.test("makes no error when there is none to report", async (t) => {
    const error = (): Error => t.fail("made an error") as unknown as Error;
    const clock = countingClock();
    await withDeadline(clock, Promise.resolve(), { afterMs: 10, error });
    await clock.advance(0);
    await clock.advance(20);
  });
  t.test("leaves the promise running, and swallows its late failure", async (t) => {
    const clock = countingClock();
    const { promise, reject } = deferred();
    const bounded = withDeadline(clock, promise, late);
    const failed = t.rejects(bounded, { message: "too late" });
    await clock.advance(10);
    await failed;
    reject(new Error("much later"));
    await clock.advance(0);
    t.equal(await stateOf(bounded), "rejected");
  });
});

t.test("the system clock", async (t) => {
  t.test("says the time in milliseconds", async (t) => {
    const before = Date.now();
    const now = systemClock.now();
    t.ok(before <= now && now <= Date.now());
  });
  t.test("calls once, and not at all after it was cancelled", async (t) => {
    const calls: string[] = [];
    const cancel = systemClock.setTimer(0, () => calls.push("cancelled"));
    cancel();
    cancel();
    await new Promise<void>((resolve) => systemClock.setTimer(1, () => resolve(void calls.push("due"))));
    t.same(calls, ["due"]);
  });
  t.test("keeps a process alive for as long as a timer is pending, and no longer", async (t) => {
    const program = `
      import { systemClock } from "@codex-authd/shared";
      systemClock.setTimer(3_600_000, () => {})();
      systemClock.setTimer(1, () => console.log("called"));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--input-type=module",
      "--eval",
      program,
    ]);
    t.equal(stdout, "called\n");
  });
});

function deferred(): { promise: Promise<unknown>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise((_resolve, rejectIt) => {
    reject = rejectIt;
  });
  return { promise, reject };
}
