/** What a command has of the process around it, so that a test can be that process. */
import type { Readable, Writable } from "node:stream";
import { styleText } from "node:util";
import { type Clock, type Environment, systemClock } from "@codex-authd/shared";
import { ownSurroundings, type Surroundings } from "../observed-environment.js";
import type { CommandRunner } from "./service/command-runner.js";

export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  /** Node's own reading of NO_COLOR, FORCE_COLOR and TERM. */
  hasColors?(): boolean;
  /** Of a terminal, in cells. */
  readonly columns?: number;
  readonly rows?: number;
}

export interface InputStream extends Readable {
  readonly isTTY?: boolean;
  /** Each key at once, and none of them a signal. */
  setRawMode?(isRaw: boolean): unknown;
}

type Signal = "SIGINT" | "SIGTERM";

export interface Terminal {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  readonly cwd: string;
  readonly surroundings: Surroundings;
  readonly clock: Clock;
  /** A service manager other than this machine's. */
  readonly services?: { readonly platform: NodeJS.Platform; readonly runner: CommandRunner };
  /** Calls back on SIGINT or SIGTERM; the returned function stops that. */
  onInterrupt(callback: (signal: Signal) => void): () => void;
}

export type Style = Parameters<typeof styleText>[0];

/** This process. */
export function processTerminal(): Terminal {
  process.stdout.on("error", ignoreClosedPipe);
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    surroundings: ownSurroundings,
    clock: systemClock,
    onInterrupt(callback) {
      process.on("SIGINT", callback).on("SIGTERM", callback);
      return () => process.off("SIGINT", callback).off("SIGTERM", callback);
    },
  };
}

/** `text` in a style where the stream is a terminal that has colours, else as it is. */
export function styled(stream: OutputStream, style: Style, text: string): string {
  return stream.isTTY && stream.hasColors?.() ? styleText(style, text, { validateStream: false }) : text;
}

/** `codex-auth list | head -1` is no error. */
function ignoreClosedPipe(error: Error): void {
  if (!("code" in error && error.code === "EPIPE")) throw error;
}
