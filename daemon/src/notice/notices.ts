/** Tells the person at the machine what only they can mend, by desktop notification and through their own hook. */
import type { Clock, Environment, SessionStatus } from "@codex-authd/shared";
import type { Log } from "../log.js";
import { desktopCommand, hookCommand } from "./commands.js";
import { noticesDue, problemsOf, type Told } from "./problems.js";
import { createProgramRunner } from "./program-runner.js";

/** How often it is seen whether a problem has to be told again. */
const LOOK_MS = 60_000;

export interface NoticesOptions {
  readonly sessions: () => readonly SessionStatus[];
  /** The owner's program and its arguments; `null` for none. */
  readonly hook: readonly string[] | null;
  /** Whether desktop notifications are shown, where there is a desktop. */
  readonly isDesktopTold: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the daemon. */
  readonly env: Environment;
}

export interface Notices {
  /** To be called when a session may have changed. */
  look(): void;
  /** Stops looking, and kills what still runs. */
  close(): Promise<void>;
}

export function createNotices({ sessions, hook, isDesktopTold, clock, log, env }: NoticesOptions): Notices {
  const runner = createProgramRunner({ clock, log });
  let told: readonly Told[] = [];
  let cancel = clock.setTimer(LOOK_MS, lookAgain);

  function lookAgain(): void {
    look();
    cancel = clock.setTimer(LOOK_MS, lookAgain);
  }

  function look(): void {
    const due = noticesDue(told, sessions().flatMap(problemsOf), clock.now());
    told = due.told;
    for (const notice of due.notices) {
      const { event, codexHome, reason } = notice;
      log.info({ event: "notice.given", state: event, codexHome, code: reason });
      const desktop = isDesktopTold ? desktopCommand(notice, env, process.platform) : undefined;
      if (desktop) runner.run(desktop);
      if (hook) runner.run(hookCommand(hook, notice, env));
    }
  }

  return {
    look,
    async close() {
      cancel();
      await runner.close();
    },
  };
}
