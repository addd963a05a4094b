import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** A daemon drains for 5 s at most when nothing is in flight. */
const END_PATIENCE_MS = 10_000;

/** The processes that have `word` among their arguments. */
export function processesWith(word: string): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" }).split("\n");
  const found = lines.filter((line) => line.split(/\s+/).includes(word));
  return found.map((line) => Number.parseInt(line, 10)).filter((pid) => pid !== process.pid);
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
