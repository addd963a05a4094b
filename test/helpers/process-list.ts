import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A daemon drains for 5 s at most when nothing is in flight. */
const END_PATIENCE_MS = 10_000;

/** The processes that have `word` among their arguments. */
export function processesWith(word: string): number[] {
  const found = argumentsOfAll().filter(([, words]) => words.includes(word));
  return found.map(([pid]) => pid).filter((pid) => pid !== process.pid);
}

/** Linux tells in /proc, where a slim image may have no `ps`; macOS always has one. */
function argumentsOfAll(): [pid: number, words: string[]][] {
  if (!existsSync("/proc/self/cmdline")) {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" }).split("\n");
    return lines.map((line) => [Number.parseInt(line, 10), line.split(/\s+/)]);
  }
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => [Number(pid), readArguments(`/proc/${pid}/cmdline`)]);
}

function readArguments(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** Ends those processes: SIGTERM, and SIGKILL for what stays. Answers whether all went by themselves. */
export async function endProcessesWith(word: string): Promise<boolean> {
  for (const pid of processesWith(word)) signal(pid, "SIGTERM");
  const deadlineAtMs = Date.now() + END_PATIENCE_MS;
  while (processesWith(word).length > 0) {
    if (Date.now() > deadlineAtMs) {
      for (const pid of processesWith(word)) signal(pid, "SIGKILL");
      return false;
    }
    await delay(50);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
