/** What a process takes of the machine, as Linux tells it in /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface Usage {
  readonly atMs: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  /** User and system time since its start. */
  readonly cpuMs: number;
}

/** Linux counts processor time in hundredths of a second on every architecture that Node runs on. */
const TICK_MS = 10;

/** Reads what the process `pid` uses at this moment. */
export function usageOf(pid: number): Usage {
  return {
    atMs: Date.now(),
    residentBytes: residentBytes(pid),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    cpuMs: cpuMs(pid),
  };
}

/** Share of one core between two readings. */
export function cpuShare(from: Usage, to: Usage): number {
  return (to.cpuMs - from.cpuMs) / (to.atMs - from.atMs);
}

function residentBytes(pid: number): number {
  const [, kilobytes = ""] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return 1024 * Number(kilobytes);
}

function cpuMs(pid: number): number {
  // The name, in parentheses, may hold anything; fields 14 and 15 of proc_pid_stat(5) are the 12th and 13th after it.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return TICK_MS * (Number(fields[11]) + Number(fields[12]));
}
