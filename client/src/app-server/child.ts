/** A `codex app-server` process of ours, as a channel: one JSON object a line on its stdio. It never outlives us. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Writable } from "node:stream";
import { type Clock, type Environment, systemClock } from "@codex-authd/shared";
import { ClientError } from "../client-error.js";
import type { AppServerEnd, Channel, ChannelHandlers } from "./channel.js";
import { onProcessExit } from "./process-exit.js";

export interface ChildOptions {
  /** Default `codex`. */
  readonly command?: string | undefined;
  /** Default `["app-server"]`. */
  readonly args?: readonly string[] | undefined;
  readonly cwd: string;
  /** The whole environment of the process. */
  readonly env: Environment;
  readonly clock?: Clock | undefined;
}

/** A server with a running turn stays until the turn ends (codex-cli 0.169); nobody waits that long. */
const TERMINATION_GRACE_MS = 5_000;

/** What a process wrote last has arrived by then. */
const PIPES_GRACE_MS = 1_000;

/** Codex sends nothing that is longer; what is, is no app-server, and must not fill the memory. */
const LINE_MAX_BYTES = 64 * 1024 * 1024;

/** What is kept of stderr: the last words are the ones that matter. */
const STDERR_MAX_CHARACTERS = 8_192;

/**
 * Starts the process in a group of its own, so that a launcher and what it launched end together.
 * @throws ClientError ERR_APP_SERVER_NOT_STARTED when there is no such program, or it cannot be run
 */
export async function startChild(options: ChildOptions): Promise<Channel> {
  const { command = "codex", args = ["app-server"], cwd, env } = options;
  const child = spawn(command, args, { cwd, env: { ...env }, detached: true });
  child.on("error", () => {});
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw notStarted(command, cwd, cause);
  }
  return new ChildChannel(child, options.clock ?? systemClock);
}

class ChildChannel implements Channel {
  readonly isShared = false;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #clock: Clock;
  readonly #exited: Promise<AppServerEnd>;
  #lines: Interface | undefined;
  /** One for all senders that are held back. */
  #drained: Promise<void> | undefined;
  #stderr = "";
  /** Why we ended it; the first reason wins. */
  #reason: string | undefined;

  constructor(child: ChildProcessWithoutNullStreams, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
    // A write to a process that has gone; its exit is what is reported.
    child.stdin.on("error", () => {});
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_MAX_CHARACTERS);
    });
    this.#exited = this.#watch();
  }

  open({ onText, onEnd }: ChannelHandlers): void {
    this.#boundLines();
    this.#lines = createInterface({ input: this.#child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines.on("line", (line) => line !== "" && onText(line));
    void this.#exited.then(onEnd);
  }

  async send(text: string): Promise<void> {
    const { stdin } = this.#child;
    if (!stdin.writable || stdin.write(`${text}\n`)) return;
    this.#drained ??= drainOf(stdin).finally(() => {
      this.#drained = undefined;
    });
    await this.#drained;
  }

  pause(): void {
    this.#lines?.pause();
  }

  resume(): void {
    this.#lines?.resume();
  }

  async close(): Promise<void> {
    this.#reason ??= "The app-server was closed.";
    this.#signal("SIGTERM");
    const cancel = this.#clock.setTimer(TERMINATION_GRACE_MS, () => this.#signal("SIGKILL"));
    this.resume();
    await this.#exited;
    cancel();
  }

  #boundLines(): void {
    let length = 0;
    this.#child.stdout.on("data", (chunk: Buffer) => {
      const newline = chunk.lastIndexOf("\n");
      length = newline === -1 ? length + chunk.length : chunk.length - newline - 1;
      if (length <= LINE_MAX_BYTES) return;
      this.#reason ??= `The app-server wrote a line of over ${LINE_MAX_BYTES} bytes and was ended. Look at what \`command\` names.`;
      this.#signal("SIGKILL");
    });
  }

  /** Takes the group along when this process or the leader exits; when this process is killed, the end of stdin does. */
  async #watch(): Promise<AppServerEnd> {
    const takeAlong = (): void => this.#signal("SIGKILL");
    const letGo = onProcessExit(takeAlong);
    let cancel = (): void => {};
    this.#child.once("exit", () => {
      takeAlong();
      cancel = this.#clock.setTimer(PIPES_GRACE_MS, () => this.#letGoOfPipes());
    });
    const [exitCode, signal] = (await once(this.#child, "close")) as [number | null, NodeJS.Signals | null];
    cancel();
    letGo();
    const byItself = `The app-server ended by itself (${signal ?? `exit code ${exitCode}`}). Start it again.`;
    return { message: this.#reason ?? byItself, exitCode, signal, stderr: this.#stderr };
  }

  /** Who left the group, and keeps our pipes open, is not waited for. */
  #letGoOfPipes(): void {
    for (const pipe of [this.#child.stdout, this.#child.stderr]) pipe.destroy();
  }

  /** To the whole group, whose leader the child is. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // All of it has ended.
    }
  }
}

/** Resolves when more is taken, or nothing ever will be. */
function drainOf(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stdin.off("drain", done).off("close", done);
      resolve();
    };
    stdin.on("drain", done).on("close", done);
  });
}

function notStarted(command: string, cwd: string, cause: unknown): ClientError {
  const code = cause instanceof Error && "code" in cause ? cause.code : cause;
  const words =
    code === "ENOENT"
      ? `There is no program ${command}, or no folder ${cwd}. Install Codex, or name its program in \`command\`.`
      : `The program ${command} cannot be started (${code}). Mend its permissions, or name another in \`command\`.`;
  return new ClientError("ERR_APP_SERVER_NOT_STARTED", words, { cause });
}
