/** A finished proof as Markdown. */
import { cpus, loadavg } from "node:os";
import type { Figure, Proof, ProofResult } from "./proof.js";

export interface RunFacts {
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}

/** The whole document: figures, circumstances, and how it was measured. */
export function report({ name, title }: Proof, { figures, prose }: ProofResult, facts: RunFacts): string {
  return `# ${title}

\`npm run proof -- ${name}\` tries it and writes this page.

${figureTable(figures)}

${circumstances(facts)}

## How it was measured

${prose.trim()}
`;
}

/** The table in Markdown, aligned so that a terminal shows it as well. */
export function figureTable(figures: readonly Figure[]): string {
  const head = ["figure", "value", "bound", "met"];
  const rows = [head, ...figures.map(cellsOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map(
    (cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`,
  );
  lines.splice(1, 0, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  return lines.join("\n");
}

function cellsOf({ name, value, bound, met }: Figure): string[] {
  return [name, String(value), bound, met === null ? "" : met ? "yes" : "NO"];
}

/** The load says how much else the machine had to do: it is averaged over about the last five minutes. */
function circumstances({ beganAtMs, endedAtMs }: RunFacts): string {
  const at = `${new Date(beganAtMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const seconds = Math.round((endedAtMs - beganAtMs) / 1000);
  const machine = `${process.platform} ${process.arch}, ${cpus().length} cores, Node ${process.versions.node}`;
  return `${at}, ${seconds} s, ${machine}, load ${loadavg()[1]?.toFixed(1)} (of everything on the machine).`;
}
