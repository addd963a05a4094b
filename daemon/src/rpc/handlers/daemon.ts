import { PROTOCOL_VERSION } from "@codex-authd/shared";
import type { Handlers } from "../handlers.js";
import type { RecentCaller } from "../recent-callers.js";

export interface DaemonFacts {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly socket: string;
  readonly sessionCount: () => number;
  /** What the daemon has to do without here, in words. */
  readonly warnings: readonly string[];
  readonly callers: () => RecentCaller[];
  /** Begins the drain; the answer is still sent. */
  readonly stop: () => void;
}

export function createDaemonHandlers(
  facts: DaemonFacts,
): Pick<Handlers, "daemon/shutdown" | "daemon/status"> {
  const { version, pid, startedAtMs, socket, sessionCount, warnings, callers, stop } = facts;
  return {
    "daemon/shutdown": async () => {
      stop();
      return { stopping: true };
    },
    "daemon/status": async () => ({
      version,
      protocolVersion: PROTOCOL_VERSION,
      pid,
      startedAtMs,
      socket,
      sessionCount: sessionCount(),
      warnings: [...warnings],
      callers: callers(),
    }),
  };
}
