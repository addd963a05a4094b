import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A program that does what another one does, and keeps what went in and came out. */
export interface Recorder {
  readonly program: string;
  /** Every byte of its stdin so far. */
  sent(): string;
  /** Every byte of its stdout so far. */
  received(): string;
}

const MAIN = fileURLToPath(new URL("recorder-main.js", import.meta.url));

/** Writes a program into `folder` that runs `command` and its own arguments, on recorded stdin and stdout. */
export function createRecorder(folder: string, name: string, command: readonly string[]): Recorder {
  const program = join(folder, name);
  const words = [process.execPath, MAIN, program, ...command].map((word) => `'${word}'`).join(" ");
  // What tap adds to the environment of every Node is not for the programs that are recorded.
  writeFileSync(program, `#!/bin/sh\nunset NODE_OPTIONS\nexec ${words} "$@"\n`, { mode: 0o755 });
  return {
    program,
    sent: () => readFileSync(`${program}.in`, "utf8"),
    received: () => readFileSync(`${program}.out`, "utf8"),
  };
}
