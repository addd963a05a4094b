/** Which process a pid means, as Linux tells in /proc: a number alone is given to the next process. */
import { readFileSync, readlinkSync } from "node:fs";

export interface ProcessIdentity {
  /** Field 22 of /proc/PID/stat: when it began, in ticks since boot. `null` where there is no /proc (macOS), or no such process. */
  readonly startTicks: number | null;
  /** The program that it runs; `null` also where that is not ours to see. */
  readonly executable: string | null;
}

/** Fields of /proc/PID/stat from the third on, behind a name that may hold anything: the 22nd is the 20th of them. */
const START_TIME_INDEX = 19;

/** Never throws: what cannot be read is `null`. */
export function processIdentity(pid: number): ProcessIdentity {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const startTicks = Number(fields[START_TIME_INDEX] ?? Number.NaN);
  return {
    startTicks: Number.isNaN(startTicks) ? null : startTicks,
    executable: attempt(() => readlinkSync(`/proc/${pid}/exe`)) ?? null,
  };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
