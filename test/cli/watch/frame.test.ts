import type { LoginChangedEvent, SessionStatus } from "@codex-authd/shared";
import stringWidth from "string-width";
import t from "tap";
import { cut, fit } from "#client/cli/text.js";
import { changeLines } from "#client/cli/watch/change-lines.js";
import { type FrameStyle, frame, type WatchView } from "#client/cli/watch/frame.js";
import { timeBar } from "#client/cli/watch/time-bar.js";
import { afterEvent, NOTHING_YET } from "#client/cli/watch/watch-state.js";
import { sessionStatus } from "../../helpers/fake-daemon.js";

const NOW_MS = Date.parse("2026-11-22T12:00:00Z");
const MINUTE_MS = 60_000;

const active = sessionStatus({
  email: "me@example.com",
  planType: "pro",
  codexHome: "/home/me/.codex",
  lastRefreshAtMs: NOW_MS - 15 * MINUTE_MS,
  expiresAtMs: NOW_MS + 45 * MINUTE_MS,
  nextRefreshAtMs: NOW_MS + 15 * MINUTE_MS,
});
const wide: SessionStatus = {
  ...active,
  email: "山田太郎@例え.jp",
  codexHome: "/home/me/work",
  storageState: "pending",
  lastError: { code: "ERR_STORAGE_UNAVAILABLE", message: "The disk is full.", atMs: NOW_MS },
};
const ended: SessionStatus = {
  ...active,
  email: "somebody.with.a.long.name@subsidiary.example.co.uk",
  sessionName: "work",
  storage: "memory",
  state: "reauthorizationRequired",
  lastError: {
    code: "ERR_REFRESH_REJECTED",
    message: "refused",
    oauthError: "refresh_token_reused",
    atMs: NOW_MS,
  },
};
const login: LoginChangedEvent = {
  ...({ loginId: "0f9a4f5e-2d44-4d0b-8b67-0b8d2f1b7f11", codexHome: "/home/me/.codex" } as LoginChangedEvent),
  flow: "device",
  state: "pending",
  code: null,
};
const view: WatchView = { isConnected: true, sessions: [active, wide, ended], logins: [login], callers: [] };

function style(columns: number, change: Partial<FrameStyle> = {}): FrameStyle {
  return { columns, rows: 40, isUtf8: true, paint: (_style, text) => text, ...change };
}

/** Local time is the machine's affair. */
function withoutTime(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/\d\d:\d\d/, "HH:MM"));
}

t.test("at 120 columns a session is a line of a table", async (t) => {
  t.same(withoutTime(frame(view, NOW_MS, style(120))), [
    "codex-auth  HH:MM  2 of 3 logged in",
    "",
    "ACCOUNT                         PLAN      TIME LEFT                         REFRESH         CODEX HOME",
    "me@example.com                  pro       ████████████░░░░  45 minutes      in 15 minutes   /home/me/.codex",
    "山田太郎@例え.jp                pro       ████████████░░░░  45 minutes      in 15 minutes   /home/me/work",
    "  The newest token is in memory only: its write is retried.",
    "  ERR_STORAGE_UNAVAILABLE: The disk is full.",
    "somebody.with.a.long.name@sub…  pro                                                         memory: work",
    "  Another program had used this login's refresh token before: a second Codex on a copy of auth.json, or a restored back…",
    "A login with a code is waiting for its person: /home/me/.codex",
    "",
    "q quits",
  ]);
});

t.test("at 60 columns it is a few lines", async (t) => {
  t.same(withoutTime(frame(view, NOW_MS, style(60))), [
    "codex-auth  HH:MM  2 of 3 logged in",
    "",
    "me@example.com, pro",
    "  ████████████░░░░  45 minutes, refresh in 15 minutes",
    "  /home/me/.codex",
    "",
    "山田太郎@例え.jp, pro",
    "  ████████████░░░░  45 minutes, refresh in 15 minutes",
    "  The newest token is in memory only: its write is retried.",
    "  ERR_STORAGE_UNAVAILABLE: The disk is full.",
    "  /home/me/work",
    "",
    "somebody.with.a.long.name@subsidiary.example.co.uk, pro",
    "  Another program had used this login's refresh token befor…",
    "  memory: work",
    "",
    "A login with a code is waiting for its person: /home/me/.co…",
    "",
    "q quits",
  ]);
});

t.test("no line is wider than the terminal, and no frame higher, down to nothing", async (t) => {
  for (const columns of [1, 2, 5, 17, 40, 60, 99, 100, 120, 300]) {
    for (const rows of [1, 3, 10, 40]) {
      const lines = frame(view, NOW_MS, style(columns, { rows }));
      t.ok(lines.length <= rows, `${columns} × ${rows}`);
      t.same(
        lines.filter((line) => stringWidth(line) > columns),
        [],
        `${columns} × ${rows}`,
      );
    }
  }
  t.match(frame(view, NOW_MS, style(60, { rows: 5 })).at(-1), /^… \d+ more lines$/);
});

t.test("without UTF-8 the bars are ASCII, of the same width", async (t) => {
  const [, , , line = ""] = frame(view, NOW_MS, style(60, { isUtf8: false }));
  t.equal(line, "  [###########---]  45 minutes, refresh in 15 minutes");
});

t.test("a daemon that is away is said, with what it last told", async (t) => {
  const lines = frame({ ...view, isConnected: false }, NOW_MS, style(120));
  t.match(lines[1], /away.*last said/);
  t.match(lines.join("\n"), /me@example\.com/);
  t.match(frame({ ...view, sessions: [], logins: [] }, NOW_MS, style(60)), [
    /0 of 0/,
    "",
    /codex-auth login/,
  ]);
});

t.test("who took tokens is counted by program", async (t) => {
  const caller = { pid: 1, executable: "/usr/bin/node", client: null, callCount: 2, lastCallAtMs: NOW_MS };
  const callers = [caller, { ...caller, pid: 2 }, { ...caller, pid: 3, client: "codex-auth token" }];
  const lines = frame({ ...view, callers }, NOW_MS, style(60));
  t.ok(lines.includes("Callers of the last minute: node 4×, codex-auth token 2×"), lines.join("\n"));
});

t.test("names from outside cannot steer the terminal", async (t) => {
  const foreign = {
    ...active,
    email: "\u001b[2Jme\u202e@example.com\r\n",
    codexHome: "/tmp/\u001b]0;x\u0007",
  };
  const text = frame({ ...view, sessions: [foreign] }, NOW_MS, style(60)).join("");
  t.notMatch(text, /[\p{Cc}\p{Bidi_Control}]/u);
});

t.test("a bar shows the share of the life that is left", async (t) => {
  const bar = (share: number): string => timeBar(share, { width: 4, isUtf8: true });
  t.same(
    [bar(1), bar(0.5), bar(0.3), bar(0), bar(-1), bar(2)],
    ["████", "██░░", "█▏░░", "░░░░", "░░░░", "████"],
  );
});

t.test("text is cut between whole characters", async (t) => {
  t.equal(cut("山田太郎", 5), "山田…");
  t.equal(cut("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 3), "👩‍👩‍👧‍👦…");
  t.equal(cut("abc", 0), "");
  t.equal(fit("山", 4), "山  ");
});

t.test("events change the view: a session by its home and name, a login until it ends", async (t) => {
  const snapshot = afterEvent(NOTHING_YET, {
    type: "snapshot",
    data: { generation: 1, sessions: [active, ended] },
  });
  t.same(snapshot, { isConnected: true, sessions: [active, ended], logins: [], callers: [] });
  const changed = { ...active, planType: "plus" as const };
  const data = { cause: "refresh", session: changed, previousAccount: null } as const;
  const after = afterEvent(snapshot, { type: "session/changed", data: data as never });
  t.same(after.sessions, [changed, ended]);
  const begun = afterEvent(after, { type: "login/changed", data: login });
  t.equal(begun.logins.length, 1);
  t.same(afterEvent(begun, { type: "login/changed", data: { ...login, state: "loggedIn" } }).logins, []);
});

t.test("without a terminal an event is a line", async (t) => {
  const lines = changeLines({ type: "snapshot", data: { generation: 1, sessions: [active, ended] } }, NOW_MS);
  t.match(lines, [
    /^\d\d:\d\d \/home\/me\/\.codex: Logged in as me@example\.com/,
    /memory work: Not logged in: Another program/,
  ]);
  t.match(changeLines({ type: "login/changed", data: login }, NOW_MS), [
    /login, device: pending: \/home\/me\/\.codex$/,
  ]);
});
