/** The rounds as one table of ratios: ours over the yardstick, round by round, so that a slow minute cancels out. */
import { median } from "./load.js";
import type { Round, Subject } from "./measure.js";

type Unit = "µs" | "ms" | "calls/s";

export interface Row {
  readonly measured: string;
  readonly yardstick: string;
  readonly unit: Unit;
  readonly ours: (round: Round) => number;
  readonly theirs: (round: Round) => number;
  readonly goal?: Goal;
}

/** A bound of the median ratio. */
export interface Goal {
  readonly relation: "≤" | "≥";
  readonly ratio: number;
}

const TWICE: Goal = { relation: "≤", ratio: 2 };
const FOUR_FIFTHS: Goal = { relation: "≥", ratio: 0.8 };
const TWO_FIFTHS_MORE: Goal = { relation: "≤", ratio: 1.4 };

/** Every line of the table. */
export const ROWS: readonly Row[] = [
  ...loadRows({ name: "token/get, library", ours: "daemon, library", theirs: "Fastify, library" }),
  ...loadRows({ name: "token/get, node:http", ours: "daemon, node:http", theirs: "Fastify, node:http" }),
  {
    measured: "bare Fastify, node:http, 1 caller, p50",
    yardstick: "bare net",
    unit: "µs",
    ours: ({ alone }) => alone["Fastify, node:http"].p50Us,
    theirs: ({ alone }) => alone["net, lines"].p50Us,
  },
  {
    measured: "bare Fastify, node:http, 64 callers, rate",
    yardstick: "bare net",
    unit: "calls/s",
    ours: ({ together }) => together["Fastify, node:http"].callsPerSecond,
    theirs: ({ together }) => together["net, lines"].callsPerSecond,
  },
  {
    measured: "token/get, library's cache, 1 caller, p50",
    yardstick: "over the socket",
    unit: "µs",
    ours: ({ alone }) => alone["daemon, cached"].p50Us,
    theirs: ({ alone }) => alone["daemon, library"].p50Us,
  },
  {
    measured: "codex-auth token, whole process",
    yardstick: "node -e 0",
    unit: "ms",
    ours: ({ tokenProgramMs }) => tokenProgramMs,
    theirs: ({ emptyProgramMs }) => emptyProgramMs,
    goal: TWO_FIFTHS_MORE,
  },
];

/** The table in Markdown, aligned so that a terminal shows it as well. */
export function ratioTable(rounds: readonly Round[]): string {
  const head = ["measured", "yardstick", "ratio", "min..max", "goal", "met", "medians"];
  const rows = [head, ...ROWS.map((row) => cellsOf(row, rounds))];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map(
    (cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`,
  );
  lines.splice(1, 0, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  return lines.join("\n");
}

function loadRows(subjects: { name: string; ours: Subject; theirs: Subject }): Row[] {
  const row = (what: string, unit: Unit, of: (round: Round, subject: Subject) => number): Row => ({
    measured: `${subjects.name}, ${what}`,
    yardstick: "bare Fastify",
    unit,
    ours: (round) => of(round, subjects.ours),
    theirs: (round) => of(round, subjects.theirs),
  });
  return [
    { ...row("1 caller, p50", "µs", ({ alone }, subject) => alone[subject].p50Us), goal: TWICE },
    row("1 caller, p99", "µs", ({ alone }, subject) => alone[subject].p99Us),
    row("64 callers, p50", "µs", ({ together }, subject) => together[subject].p50Us),
    row("64 callers, p99", "µs", ({ together }, subject) => together[subject].p99Us),
    {
      ...row("64 callers, rate", "calls/s", ({ together }, subject) => together[subject].callsPerSecond),
      goal: FOUR_FIFTHS,
    },
  ];
}

function cellsOf({ measured, yardstick, unit, ours, theirs, goal }: Row, rounds: readonly Round[]): string[] {
  const ratios = rounds.map((round) => ours(round) / theirs(round));
  const ratio = median(ratios);
  return [
    measured,
    yardstick,
    shown(ratio),
    `${shown(Math.min(...ratios))}..${shown(Math.max(...ratios))}`,
    goal === undefined ? "" : `${goal.relation} ${goal.ratio}`,
    goal === undefined ? "" : isMet(goal, ratio) ? "yes" : "NO",
    `${shown(median(rounds.map(ours)))} to ${shown(median(rounds.map(theirs)))} ${unit}`,
  ];
}

function isMet({ relation, ratio: bound }: Goal, ratio: number): boolean {
  return relation === "≤" ? ratio <= bound : ratio >= bound;
}

/** Three digits are more than any of this is exact to. */
function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
