import { readFileSync } from "node:fs";
import type { WeatherResult } from "./children.js";
import { bounded, exactly, type Figure, informative } from "./proof.js";
import { median } from "./statistics.js";

/** What one process takes of the machine, in bytes. */
export interface MemoryOfOne {
  readonly resident: number;
  /** Its share of what several processes have in common. */
  readonly proportional: number;
}

const MIB = 1024 * 1024;

/** Of every process of ours that runs `program`; of none where Linux does not tell it. */
export function memoryOfChildren(program: string): MemoryOfOne[] {
  if (process.platform !== "linux") return [];
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  return children
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(program))
    .map((pid) => {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      return { resident: bytesOf(rollup, "Rss"), proportional: bytesOf(rollup, "Pss") };
    });
}

function bytesOf(rollup: string, name: string): number {
  const [, kilobytes = ""] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup) ?? [];
  return 1024 * Number(kilobytes);
}

export function childrenFigures(size: number, results: readonly WeatherResult[]): Figure[] {
  return [
    informative("app-servers", size),
    ...results.flatMap((result) => weatherFigures(size, result)),
    ...memoryFigures(results.flatMap(({ memory }) => memory)),
  ];
}

function weatherFigures(size: number, result: WeatherResult): Figure[] {
  const { name, told, exchanges } = result.weather;
  const figures = [
    bounded(`${name}: requests at the token endpoint`, result.exchanges, exactly(exchanges)),
    bounded(`${name}: turns completed`, result.completed, exactly(told === null ? size : 0)),
  ];
  if (told !== null) figures.push(bounded(`${name}: hosts told ${told}`, result.told, exactly(size)));
  if (result.recoveryMs !== null) {
    figures.push(informative(`${name}: first 401 to last retry, ms`, result.recoveryMs));
  }
  return figures;
}

function memoryFigures(memory: readonly MemoryOfOne[]): Figure[] {
  if (memory.length === 0) return [];
  const mebibytes = (of: (one: MemoryOfOne) => number): number => Math.round(median(memory.map(of)) / MIB);
  return [
    informative(
      "memory of an app-server, resident, median, MiB",
      mebibytes(({ resident }) => resident),
    ),
    informative(
      "memory of an app-server, its share, median, MiB",
      mebibytes(({ proportional }) => proportional),
    ),
  ];
}
