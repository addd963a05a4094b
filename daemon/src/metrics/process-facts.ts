/** What Node and the kernel know about this process. */
import { readdirSync, readFileSync } from "node:fs";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** The event loop is looked at this often; a stretch of work shorter than that may be missed. */
const LOOK_MS = 20;

const NS_PER_SECOND = 1e9;

export interface EventLoopLag {
  /** Seconds by which the loop was late since the last call: 99 of 100 looks were no later, and the latest. */
  read(): { readonly p99: number; readonly max: number };
}

/** Looks at nothing before it is first read: a daemon that nobody scrapes is not woken for it. */
export function createEventLoopLag(): EventLoopLag {
  let delays: IntervalHistogram | undefined;
  return {
    read() {
      if (!delays) {
        delays = monitorEventLoopDelay({ resolution: LOOK_MS });
        delays.enable();
        return { p99: 0, max: 0 };
      }
      const lag = { p99: lateness(delays.percentile(99)), max: lateness(delays.max) };
      delays.reset();
      return lag;
    },
  };
}

/** Open file descriptors, or `undefined` where there is no folder of them. */
export function openDescriptors(): number | undefined {
  for (const folder of ["/proc/self/fd", "/dev/fd"]) {
    try {
      // The look itself has one open.
      return readdirSync(folder).length - 1;
    } catch {}
  }
  return undefined;
}

/** The soft limit on them, or `undefined` where the kernel does not tell (macOS). */
export function descriptorLimit(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Node counts the whole interval between two looks, and has no number before the second. */
function lateness(intervalNs: number): number {
  return Number.isFinite(intervalNs) ? Math.max(0, intervalNs / NS_PER_SECOND - LOOK_MS / 1_000) : 0;
}
