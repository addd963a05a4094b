import type { SessionStatus } from "@codex-authd/shared";
import t from "tap";
import { noticesDue, type Problem, problemsOf, type Told } from "#daemon/notice/problems.js";
import { sessionStatus } from "../helpers/fake-daemon.js";

const HOUR_MS = 3_600_000;
const LOGIN: Problem = {
  event: "loginNeeded",
  codexHome: "/home/a/.codex",
  sessionName: null,
  reason: "ERR_REFRESH_REJECTED",
  message: "The issuer refused. Run `codex-auth login`.",
};
const WRITE: Problem = {
  ...LOGIN,
  event: "writeFailed",
  reason: "ERR_STORAGE_UNAVAILABLE",
  message: "Disk full.",
};

t.test("a refused login and a token that is not written are problems; a sign-out is none", async (t) => {
  const lastError = { code: "ERR_REFRESH_REJECTED" as const, message: "Refused.", atMs: 0 };
  const rows: [Partial<SessionStatus>, Problem["event"][]][] = [
    [{ state: "active" }, []],
    [{ state: "active", lastError }, []],
    [{ state: "signedOut" }, []],
    [{ state: "reauthorizationRequired", lastError }, ["loginNeeded"]],
    [{ state: "active", storageState: "pending", lastError }, ["writeFailed"]],
  ];
  for (const [facts, events] of rows) {
    const problems = problemsOf({ ...sessionStatus(), ...facts });
    t.same(
      problems.map(({ event }) => event),
      events,
    );
    for (const { reason, message } of problems)
      t.same([reason, message], ["ERR_REFRESH_REJECTED", "Refused."]);
  }
});

/** What is told at each hour, while `problems` last. */
function eventsAt(hours: readonly number[], problemsAt: (hour: number) => Problem[]): string[][] {
  let told: readonly Told[] = [];
  return hours.map((hour) => {
    const due = noticesDue(told, problemsAt(hour), hour * HOUR_MS);
    told = due.told;
    return due.notices.map(({ event }) => event);
  });
}

t.test("a problem is told at once, then after 1 h, 2 h and so on up to a day", async (t) => {
  const hours = Array.from({ length: 24 * 5 }, (_, hour) => hour);
  const told = eventsAt(hours, () => [LOGIN]);
  t.same(
    hours.filter((hour) => told[hour]?.length),
    [0, 1, 3, 7, 15, 31, 55, 79, 103],
  );
});

t.test("a problem that is solved is told once as that, and from the start when it comes again", async (t) => {
  const problemsAt = (hour: number) => (hour < 2 || Math.floor(hour) === 4 ? [LOGIN] : []);
  t.same(eventsAt([0, 0.5, 1, 2, 3, 4, 4.5, 5], problemsAt), [
    ["loginNeeded"],
    [],
    ["loginNeeded"],
    ["solved"],
    [],
    ["loginNeeded"],
    [],
    ["solved"],
  ]);
});

t.test(
  "causes, homes and memory logins are told by themselves; other words for the same are not",
  async (t) => {
    const others = [WRITE, { ...LOGIN, codexHome: "/home/b/.codex" }, { ...LOGIN, sessionName: "work" }];
    const first = noticesDue([], [LOGIN], 0);
    t.same(noticesDue(first.told, [LOGIN, ...others], 1).notices, others);
    t.same(noticesDue(first.told, [{ ...LOGIN, message: "Refused again." }], 1).notices, []);
  },
);
