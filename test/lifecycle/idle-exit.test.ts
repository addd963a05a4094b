import t from "tap";
import { exitWhenIdle } from "#daemon/lifecycle/idle-exit.js";
import { createManualClock } from "../helpers/manual-clock.js";

function setUp(idleExitSeconds: number) {
  const clock = createManualClock();
  const idle: { sinceMs: number | null } = { sinceMs: clock.now() };
  let exits = 0;
  const exit = (): void => void exits++;
  const stop = exitWhenIdle({ idleExitSeconds, idleSinceMs: () => idle.sinceMs, clock, exit });
  const advance = async (seconds: number): Promise<number> => {
    for (let second = 0; second < seconds; second++) await clock.advance(1_000);
    return exits;
  };
  return { clock, idle, advance, stop };
}

t.test("0 is never", async (t) => {
  t.equal(await setUp(0).advance(10_000), 0);
});

t.test("it ends once, when nothing was to be done for that long", async (t) => {
  const { advance } = setUp(10);
  t.equal(await advance(9), 0);
  t.equal(await advance(1), 1);
  t.equal(await advance(100), 1);
});

t.test("who is busy does not end, and begins to count when it is done", async (t) => {
  const { clock, idle, advance } = setUp(10);
  idle.sinceMs = null;
  t.equal(await advance(100), 0);
  idle.sinceMs = clock.now();
  t.equal(await advance(9), 0);
  t.equal(await advance(1), 1);
});

t.test("who is stopped does not look again", async (t) => {
  const { advance, stop } = setUp(10);
  await stop();
  t.equal(await advance(100), 0);
});
