/** One picture of the sessions, as lines that fit a terminal. Pure. */
import type { EpochMs, LoginChangedEvent, SessionStatus } from "@codex-authd/shared";
import type { DaemonStatus } from "../../call-options.js";
import { formatDistance, formatTime, printable } from "../format.js";
import { sessionReason } from "../session-view.js";
import type { Style } from "../terminal.js";
import { cut, fit } from "../text.js";
import { timeBar } from "./time-bar.js";

export interface WatchView {
  /** False: the daemon is away, and the sessions are as it last told them. */
  readonly isConnected: boolean;
  readonly sessions: readonly SessionStatus[];
  /** Logins that are under way. */
  readonly logins: readonly LoginChangedEvent[];
  /** Who took tokens in the last minute. */
  readonly callers: readonly Caller[];
}

export type Caller = NonNullable<DaemonStatus["callers"]>[number];

export interface FrameStyle {
  readonly columns: number;
  readonly rows: number;
  readonly isUtf8: boolean;
  /** Colours and weights, or nothing where there are none. */
  readonly paint: (style: Style, text: string) => string;
}

/** From here on a session is one line of a table; below, a few short ones. */
const TABLE_MIN_COLUMNS = 100;

/** Beside a bar there must be room for the words. */
const CARD_BAR_MIN_COLUMNS = 44;

/** Less than this of its life left, while a refresh is overdue, is worth a colour. */
const SCARCE_SHARE = 0.1;

/** The picture at `nowMs`; at most `rows` lines, none wider than `columns`. */
export function frame(view: WatchView, nowMs: EpochMs, style: FrameStyle): string[] {
  const isTable = style.columns >= TABLE_MIN_COLUMNS;
  const draw = isTable ? tableLines : cardLines;
  const body = view.sessions.flatMap((session) => draw(session, nowMs, style));
  const none = view.isConnected ? ["No sessions. Run `codex-auth login`."] : [];
  const lines = [
    ...headLines(view, nowMs, style),
    ...(isTable && body.length > 0 ? [headOfTable(style)] : []),
    ...(body.length > 0 ? body : none),
    ...view.logins.map((login) => loginLine(login, style)),
    ...callerLines(view.callers, style),
    "",
    style.paint("dim", cut("q quits", style.columns)),
  ];
  return withinRows(lines, style);
}

function headLines(view: WatchView, nowMs: EpochMs, { columns, paint }: FrameStyle): string[] {
  const time = formatTime(nowMs, nowMs);
  const active = view.sessions.filter(({ state }) => state === "active").length;
  const count = `${active} of ${view.sessions.length} logged in`;
  const title = cut(`codex-auth  ${time}  ${count}`, columns);
  const away = "The daemon is away; this is what it last said. It is waited for.";
  return view.isConnected
    ? [paint("bold", title), ""]
    : [paint("bold", title), paint("yellow", cut(away, columns)), ""];
}

/** Widths of the table's columns; the last one takes what is left. */
function widths(
  columns: number,
): readonly [account: number, plan: number, bar: number, left: number, next: number, home: number] {
  const fixed = [30, 8, 16, 14, 14] as const;
  const used = fixed.reduce((sum, width) => sum + width + 2, 0);
  return [...fixed, Math.max(0, columns - used)];
}

function headOfTable({ columns, paint }: FrameStyle): string {
  const [account, plan, bar, left, next, home] = widths(columns);
  const names = [
    fit("ACCOUNT", account),
    fit("PLAN", plan),
    fit("TIME LEFT", bar + 2 + left),
    fit("REFRESH", next),
    fit("CODEX HOME", home),
  ];
  return paint("dim", names.join("  ").trimEnd());
}

function tableLines(session: SessionStatus, nowMs: EpochMs, style: FrameStyle): string[] {
  const [account, plan, bar, left, next, home] = widths(style.columns);
  const cells = [
    paintState(session, fit(nameOf(session), account), style),
    fit(session.planType ?? "", plan),
    session.state === "active" ? paintBar(session, nowMs, { ...style, width: bar }) : " ".repeat(bar),
    fit(leftWords(session, nowMs), left),
    fit(refreshWords(session, nowMs), next),
    cut(placeOf(session), home),
  ];
  return [cells.join("  ").trimEnd(), ...troubleLines(session, style)];
}

function cardLines(session: SessionStatus, nowMs: EpochMs, style: FrameStyle): string[] {
  const { columns } = style;
  const plan = session.planType === null ? "" : `, ${session.planType}`;
  const first = paintState(session, cut(`${nameOf(session)}${plan}`, columns), style);
  const place = style.paint("dim", cut(`  ${placeOf(session)}`, columns));
  if (session.state !== "active") return [first, ...troubleLines(session, style), place, ""];
  const words = `${leftWords(session, nowMs)}, refresh ${refreshWords(session, nowMs)}`;
  if (columns < CARD_BAR_MIN_COLUMNS)
    return [first, cut(`  ${words}`, columns), ...troubleLines(session, style), place, ""];
  const width = Math.min(16, columns - 36);
  const bar = paintBar(session, nowMs, { ...style, width });
  return [first, `  ${bar}  ${cut(words, columns - width - 4)}`, ...troubleLines(session, style), place, ""];
}

/** Why it is not as it should be. */
function troubleLines(session: SessionStatus, { columns, paint }: FrameStyle): string[] {
  const lines = [
    ...(session.state === "active"
      ? []
      : [["yellow", `${sessionReason(session)} Run \`codex-auth login\`.`] as const]),
    ...(session.storageState === "pending"
      ? [["red", "The newest token is in memory only: its write is retried."] as const]
      : []),
    ...(session.state === "active" && session.lastError
      ? [["red", `${session.lastError.code}: ${session.lastError.message}`] as const]
      : []),
    ...session.warnings.map((text) => ["yellow", text] as const),
  ];
  return lines.map(([colour, text]) => paint(colour, cut(`  ${printable(text)}`, columns)));
}

function loginLine({ flow, codexHome }: LoginChangedEvent, { columns, paint }: FrameStyle): string {
  const how = flow === "browser" ? "in the browser" : "with a code";
  return paint("cyan", cut(`A login ${how} is waiting for its person: ${printable(codexHome)}`, columns));
}

/** Programs are counted together: fifty children are one line. */
function callerLines(callers: readonly Caller[], { columns }: FrameStyle): string[] {
  if (callers.length === 0) return [];
  const calls = new Map<string, number>();
  for (const { client, executable, callCount } of callers) {
    const name = printable(client ?? executable?.split("/").at(-1) ?? "unknown");
    calls.set(name, (calls.get(name) ?? 0) + callCount);
  }
  const words = [...calls].map(([name, count]) => `${name} ${count}×`).join(", ");
  return ["", cut(`Callers of the last minute: ${words}`, columns)];
}

function nameOf({ email, accountId, state }: SessionStatus): string {
  return printable(email ?? accountId ?? (state === "active" ? "unknown account" : "nobody"));
}

function placeOf({ sessionName, codexHome }: SessionStatus): string {
  return printable(sessionName === null ? codexHome : `memory: ${sessionName}`);
}

function leftWords({ state, expiresAtMs }: SessionStatus, nowMs: EpochMs): string {
  if (state !== "active") return "";
  if (expiresAtMs === null) return "no end";
  return expiresAtMs > nowMs ? formatDistance(expiresAtMs, nowMs).replace(/^in /, "") : "expired";
}

function refreshWords({ state, refreshInFlight, nextRefreshAtMs }: SessionStatus, nowMs: EpochMs): string {
  if (state !== "active") return "";
  if (refreshInFlight) return "now";
  if (nextRefreshAtMs === null) return "none";
  return nextRefreshAtMs > nowMs ? formatDistance(nextRefreshAtMs, nowMs) : "due";
}

function paintState(session: SessionStatus, text: string, { paint }: FrameStyle): string {
  if (session.state !== "active") return paint("yellow", text);
  return paint(session.storageState === "pending" ? ["bold", "red"] : "bold", text);
}

function paintBar(
  { expiresAtMs, lastRefreshAtMs }: SessionStatus,
  nowMs: EpochMs,
  { paint, ...style }: FrameStyle & { readonly width: number },
): string {
  const lifeMs = expiresAtMs === null || lastRefreshAtMs === null ? null : expiresAtMs - lastRefreshAtMs;
  const share = expiresAtMs === null || !lifeMs || lifeMs <= 0 ? 1 : (expiresAtMs - nowMs) / lifeMs;
  const ends = style.isUtf8 ? 0 : 2;
  const bar = timeBar(share, { width: style.width - ends, isUtf8: style.isUtf8 });
  return paint(share < SCARCE_SHARE ? "red" : "green", bar);
}

/** What does not fit is counted, so that nobody takes the part for the whole. */
function withinRows(lines: readonly string[], { rows, columns }: FrameStyle): string[] {
  if (lines.length <= rows) return [...lines];
  const shown = lines.slice(0, Math.max(0, rows - 1));
  return [...shown, cut(`… ${lines.length - shown.length} more lines`, columns)];
}
