/** Runs a program as if it had been started in the place of this process: its terminal, its signals, its end. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { Environment } from "@codex-authd/shared";
import { EXIT } from "./exit-codes.js";
import { printable } from "./format.js";
import type { Output } from "./output.js";

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** Whoever sends these means us alone. */
const PASSED_ON = ["SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

/** The terminal sends these to the whole foreground group, so that the program has them already. */
const FROM_TERMINAL = ["SIGINT", "SIGQUIT"] as const;

/** To end by the others would write a core file of this process. */
const ENDS_WITHOUT_CORE: readonly NodeJS.Signals[] = ["SIGHUP", "SIGINT", "SIGKILL", "SIGTERM"];

export interface RunOptions extends Program {
  /** The whole environment of the program. */
  readonly env: Environment;
  readonly output: Output;
}

/** A program whose stdin and stdout are ours. */
export type PipedChild = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Runs the program on this process's own stdin, stdout and stderr, in the same process group, so that Ctrl-C, Ctrl-Z and `fg`
 * are the terminal's business as before.
 * @returns its exit code; 128 + n when signal n ended it, unless this process could end by the same one; 126 or 127 when it
 * could not be started
 */
export function runProgram(options: RunOptions): Promise<number> {
  const { command, args, env } = options;
  return supervise(options, () => spawn(command, args, { env: { ...env }, stdio: "inherit" }));
}

/** As {@link runProgram}, with stdin and stdout left to `attend`, which ends when the program's stdout does. */
export function runPiped(options: RunOptions, attend: (child: PipedChild) => Promise<void>): Promise<number> {
  const { command, args, env } = options;
  const start = (): PipedChild =>
    spawn(command, args, { env: { ...env }, stdio: ["pipe", "pipe", "inherit"] });
  return supervise(options, start, attend);
}

async function supervise<Child extends ChildProcess>(
  { command, output }: RunOptions,
  start: () => Child,
  attend = async (_child: Child): Promise<void> => {},
): Promise<number> {
  // Before the start, for the program may be signalled as soon as it shows itself.
  const stopPassing = passSignals((signal) => child.kill(signal));
  let child: Child;
  try {
    child = start();
    await Promise.all([once(child, "close"), attend(child)]);
  } catch (error) {
    return notStarted(command, error, output);
  } finally {
    stopPassing();
  }
  return child.exitCode ?? endBy(child.signalCode);
}

/** A job runner without a terminal sends SIGINT to us alone. */
function passSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  const leave = (): void => {};
  const isOnTerminal = hasTerminal();
  for (const signal of PASSED_ON) process.on(signal, pass);
  for (const signal of FROM_TERMINAL) process.on(signal, isOnTerminal ? leave : pass);
  return () => {
    for (const signal of [...PASSED_ON, ...FROM_TERMINAL]) process.off(signal, pass).off(signal, leave);
  };
}

/** A controlling terminal, wherever stdin and stdout lead. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** A shell stops a script at Ctrl-C only when it sees that the signal ended its command. */
function endBy(signal: NodeJS.Signals | null): number {
  if (signal === null) return EXIT.failed;
  if (ENDS_WITHOUT_CORE.includes(signal)) process.kill(process.pid, signal);
  return 128 + constants.signals[signal];
}

function notStarted(command: string, error: unknown, output: Output): number {
  const code = error instanceof Error && "code" in error ? error.code : error;
  const isMissing = code === "ENOENT";
  const words = isMissing ? "there is no such program" : `it cannot be executed (${code})`;
  output.note(`${output.styleNote(["bold", "red"], "error:")} ${printable(command)}: ${words}`);
  return isMissing ? EXIT.notFound : EXIT.notExecutable;
}
