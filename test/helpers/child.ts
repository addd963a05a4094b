import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How a process ended, and everything that it wrote. */
export interface Run {
  /** Exit code, `null` after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that is running. */
export interface Child {
  readonly pid: number;
  readonly isRunning: boolean;
  /** Everything on stderr so far. */
  readonly stderr: string;
  /** Settles when it has ended. */
  readonly ended: Promise<Run>;
  /** The next line on stdout. @throws Error when it ends before; the message has its stderr */
  nextLine(): Promise<string>;
  /** Writes to stdin. */
  write(text: string): void;
  /** Writes to stdin and closes it. */
  end(text?: string): void;
  kill(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * Starts a Node program as a person would: `env -i` takes away what tap adds to the environment of every child, a
 * recorder that more than doubles the time of a start. The process becomes the program, so the pid is the program's.
 */
export function startNode(args: readonly string[], { env, cwd }: ChildOptions): Child {
  const variables = Object.entries(env).filter(([, value]) => value !== undefined);
  const assignments = variables.map(([name, value]) => `${name}=${value}`);
  const child = spawn("env", ["-i", ...assignments, process.execPath, ...args], { cwd });
  const written = { stdout: "", stderr: "" };
  let isRunning = true;
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      written[name] += chunk;
    });
  }
  child.stdin.on("error", () => {}); // A program that reads no input closes its end early.
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<Run>((resolve, reject) => {
    child.once("error", reject).once("close", (code) => {
      isRunning = false;
      resolve({ code, ...written });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    get isRunning() {
      return isRunning;
    },
    get stderr() {
      return written.stderr;
    },
    async nextLine() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`It ended without another line. Its stderr was:\n${(await ended).stderr}`);
      return value;
    },
    write: (text) => void child.stdin.write(text),
    end: (text = "") => void child.stdin.end(text),
    kill: (signal) => void child.kill(signal),
  };
}
