import { execFile } from "node:child_process";
import type { Environment } from "@codex-authd/shared";

export interface QuietRun {
  /** Exit code; 127 when the program is not there, or did not end in time. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `--version` of a program that is read from a cold disk. */
const PATIENCE_MS = 20_000;

/** Runs a program to its end, in `env`, without input. */
export function runQuietly([program = "", ...args]: readonly string[], env: Environment): Promise<QuietRun> {
  return new Promise((resolve) => {
    const options = { encoding: "utf8", timeout: PATIENCE_MS, env: { ...env } } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 127) : 0;
      resolve({ code, stdout, stderr: stderr || (error?.message ?? "") });
    });
    child.stdin?.end();
  });
}
