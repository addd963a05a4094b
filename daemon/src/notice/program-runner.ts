/** Runs the programs that tell a person, one at a time, each with a deadline: the daemon must not suffer from any of them. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "@codex-authd/shared";
import type { Log } from "../log.js";
import type { NoticeCommand } from "./commands.js";

/** A notice is shown in a second; what takes longer should detach itself. */
const DEADLINE_MS = 10_000;

/** Programs that wait for their turn; later ones are left out. */
const WAITING_MAX = 100;

export interface ProgramRunner {
  /** Never throws, and waits for nothing. */
  run(command: NoticeCommand): void;
  /** Kills what runs, and runs nothing more. */
  close(): Promise<void>;
}

export interface ProgramRunnerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds. Default 10 s. */
  readonly deadlineMs?: number;
}

export function createProgramRunner(options: ProgramRunnerOptions): ProgramRunner {
  const { clock, log, deadlineMs = DEADLINE_MS } = options;
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  let running: ChildProcess | null = null;
  let isClosed = false;

  async function runInTurn(command: NoticeCommand): Promise<void> {
    waiting--;
    if (isClosed) return;
    running = started(command);
    const cancel = clock.setTimer(deadlineMs, () => killGroup(running));
    const reason = await endingOf(running);
    cancel();
    running = null;
    if (reason !== null && !isClosed) log.warn({ event: "notice.failed", path: command.program, reason });
  }

  return {
    run(command) {
      if (isClosed || waiting >= WAITING_MAX) return;
      waiting++;
      last = last.then(() => runInTurn(command));
    },
    async close() {
      isClosed = true;
      killGroup(running);
      await last;
    },
  };
}

/** In a process group of its own, so that its children end with it. No shell; what it says is not read. */
function started({ program, args, env }: NoticeCommand): ChildProcess {
  return spawn(program, args, { cwd: "/", env: { ...env }, stdio: "ignore", detached: true });
}

/** Why it failed, in a word, or `null`. */
function endingOf(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    child.once("exit", (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code}`)));
  });
}

function killGroup(child: ChildProcess | null): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
