import t from "tap";
import type { AuditEntry } from "#daemon/rpc/audit.js";
import { RecentCallers } from "#daemon/rpc/recent-callers.js";
import { createManualClock } from "../helpers/manual-clock.js";

function scene() {
  const clock = createManualClock();
  const recorded: AuditEntry[] = [];
  const callers = new RecentCallers(clock);
  const audit = callers.noting({ record: (entry) => recorded.push(entry) });
  const call = (pid: number): void => {
    const caller = { uid: 0, pid, startTicks: 7, executable: "/bin/x", client: "x" };
    audit.record({ caller, action: "token/get", decision: "allowed" });
  };
  return { clock, callers, audit, call, recorded };
}

t.test("each process is counted, the most recent first, and the trail gets every entry", async (t) => {
  const { callers, call, recorded } = scene();
  for (const pid of [1, 2, 1]) call(pid);
  t.match(callers.list(), [
    { pid: 1, callCount: 2, executable: "/bin/x" },
    { pid: 2, callCount: 1 },
  ]);
  t.equal(recorded.length, 3);
});

t.test("who is silent for a minute is forgotten, and counted anew when back", async (t) => {
  const { clock, callers, call } = scene();
  call(1);
  await clock.advance(60_000);
  t.same(callers.list(), []);
  await clock.advance(1);
  call(1);
  t.match(callers.list(), [{ pid: 1, callCount: 1 }]);
});

t.test("it is bounded, and takes an entry without a caller", async (t) => {
  const { callers, audit, call } = scene();
  for (let pid = 1; pid <= 100; pid++) call(pid);
  t.equal(callers.list().length, 50);
  t.equal(callers.list()[0]?.pid, 100);
  audit.record({ caller: null, action: "login/ended", decision: "allowed" });
  t.equal(callers.list().length, 50);
});
