import { execFile, spawn } from "node:child_process";
import { once } from "node:events";

export type Command = readonly [program: string, ...args: string[]];

export interface CommandResult {
  /** Exit code; 127 when the program is not there. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the service manager's own programs; a seam, so that a test can be macOS. */
export interface CommandRunner {
  run(command: Command): Promise<CommandResult>;
  /** Lets the program write to our terminal until it ends, or is interrupted; answers its exit code. */
  show(command: Command): Promise<number>;
}

/** A service manager answers in milliseconds; a stop waits for a token exchange, which may take 45 s. */
const PATIENCE_MS = 120_000;

export const processRunner: CommandRunner = {
  run([program, ...args]) {
    return new Promise((resolve) => {
      execFile(program, args, { encoding: "utf8", timeout: PATIENCE_MS }, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === "number" ? error.code : 127) : 0;
        resolve({ code, stdout, stderr: stderr || (error?.message ?? "") });
      });
    });
  },
  async show([program, ...args]) {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
    const [code] = await once(child, "close");
    return code ?? 0;
  },
};
