import { constants } from "node:os";
import { type Clock, withDeadline } from "@codex-authd/shared";
import type { Log } from "../log.js";

/**
 * Everything must be closed by then. It covers a drain and a token exchange in flight (45 s), whose result must be
 * stored, and stays under the 90 s after which systemd kills.
 */
const CLOSE_DEADLINE_MS = 60_000;

/** SIGHUP ends us as SIGTERM does: there is nothing to reload, and the terminal that sent it is gone. */
const ENDING_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

export interface ShutdownOptions {
  /** Closes every layer, last opened first. Called once. */
  readonly close: () => Promise<void>;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Shutdown {
  /** Drains, closes and exits 0, as a first SIGTERM does. `reason` is for the log. Only the first call counts. */
  begin(reason: string): void;
}

/**
 * Takes over how this process ends. SIGTERM, SIGINT, SIGHUP: drain once, exit 0 (1 when closing failed); a second one
 * exits at once with 128 + its number. An uncaught exception is logged and exits 1. SIGUSR1 does nothing, where Node by
 * itself would open its inspector; SIGPIPE does nothing either, as in every Node process.
 */
export function superviseShutdown(options: ShutdownOptions): Shutdown {
  const { log } = options;
  let isEnding = false;
  const begin = (reason: string): void => {
    if (isEnding) return;
    isEnding = true;
    log.info({ event: "daemon.stopping", reason });
    void finish(options);
  };
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      if (isEnding) process.exit(128 + constants.signals[signal]);
      begin(signal);
    });
  }
  process.on("SIGUSR1", () => log.info({ event: "signal.ignored", signal: "SIGUSR1" }));
  process.on("uncaughtException", (error) => {
    log.fatal({ event: "daemon.crashed", error });
    process.exit(1);
  });
  return { begin };
}

async function finish({ close, log, clock }: ShutdownOptions): Promise<void> {
  const late = { afterMs: CLOSE_DEADLINE_MS, error: () => new Error("closing took too long") };
  try {
    await withDeadline(clock, close(), late);
  } catch (error) {
    log.error({ event: "daemon.stopFailed", error });
    process.exit(1);
  }
  log.info({ event: "daemon.stopped" });
  process.exit(0);
}
