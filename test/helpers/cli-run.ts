import { PassThrough, Writable } from "node:stream";
import { run } from "#client/cli/program.js";
import type { Terminal } from "#client/cli/terminal.js";
import type { FakeDaemon } from "./fake-daemon.js";
import { createManualClock, type ManualClock } from "./manual-clock.js";

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A terminal whose words are kept, and whose person a test is. */
export interface TestTerminal extends Terminal {
  readonly stdin: PassThrough;
  readonly clock: ManualClock;
  readonly written: { stdout: string; stderr: string };
  interrupt(signal: "SIGINT" | "SIGTERM"): void;
  /** Resolves as soon as `words` were written. */
  shown(words: string): Promise<void>;
  /** Calls back after each piece that is written, until the returned function is called. */
  onWrite(look: () => void): () => void;
}

export function createTestTerminal(
  daemon: Pick<FakeDaemon, "env" | "folder">,
  env: Record<string, string> = {},
): TestTerminal {
  const written = { stdout: "", stderr: "" };
  const looks = new Set<() => void>();
  const interrupts = new Set<(signal: "SIGINT" | "SIGTERM") => void>();
  const sink = (name: "stdout" | "stderr"): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += chunk;
        for (const look of looks) look();
        done();
      },
    });
  return {
    stdin: new PassThrough(),
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    env: { ...daemon.env, ...env },
    cwd: daemon.folder,
    surroundings: { platform: "linux", fileExists: () => false },
    clock: createManualClock(),
    written,
    onInterrupt(callback) {
      interrupts.add(callback);
      return () => interrupts.delete(callback);
    },
    interrupt: (signal) => {
      for (const callback of interrupts) callback(signal);
    },
    shown: (words) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (written.stderr.includes(words) || written.stdout.includes(words)) resolve();
        };
        looks.add(look);
        look();
      }),
    onWrite(look) {
      looks.add(look);
      return () => looks.delete(look);
    },
  };
}

/** Runs one command line against `daemon`, at 2026-11-22T12:00:00Z, without colours. */
export async function runCli(
  daemon: FakeDaemon,
  argv: readonly string[],
  terminal?: TestTerminal,
): Promise<CliRun> {
  const place = terminal ?? createTestTerminal(daemon);
  const exitCode = await run(argv, place);
  return { exitCode, ...place.written };
}
