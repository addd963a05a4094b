/** What every command shares: its options, its client, and one place where errors become words and an exit code. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { type AuthClient, createAuthClient } from "../auth-client.js";
import type { SessionSelector } from "../call-options.js";
import { reportError } from "./error-report.js";
import { createOutput, type Output } from "./output.js";
import type { Terminal } from "./terminal.js";

export interface CommonOptions {
  readonly json?: boolean;
  readonly codexHome?: string;
  readonly memory?: string;
  readonly socket?: string;
  readonly autostart: boolean;
}

export interface CommandScope {
  readonly client: AuthClient;
  readonly output: Output;
  readonly selector: SessionSelector;
  readonly terminal: Terminal;
}

/** The program around a command. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The command that was given, for the daemon's audit trail. */
  readonly commandName: string;
  /** Takes the command's exit code. */
  finish(exitCode: number): void;
}

/** Adds the options that every command takes. */
export function withCommonOptions(command: Command): Command {
  const own = command
    .option("--json", "print JSON instead of words")
    .option("--memory <name>", "the session of this name in the daemon's memory, with nothing on disk");
  return withDaemonOptions(own);
}

/** Adds the options that say which session and which daemon. */
export function withDaemonOptions(command: Command): Command {
  return command
    .option("--codex-home <dir>", "the Codex home to work on (default: $CODEX_HOME, else ~/.codex)")
    .option("--socket <path>", "the daemon's socket (default: $CODEX_AUTHD_SOCKET, else the usual places)")
    .option("--no-autostart", "fail when no daemon is running, instead of starting one");
}

/** Runs `body`, which answers its exit code, with a client that is closed afterwards. */
export async function runCommand(
  context: CommandContext,
  options: CommonOptions,
  body: (scope: CommandScope) => Promise<number>,
): Promise<void> {
  const { terminal, commandName } = context;
  const output = createOutput(terminal, options.json === true);
  try {
    await using client = createAuthClient({
      env: terminal.env,
      cwd: terminal.cwd,
      clock: terminal.clock,
      clientName: `codex-auth ${commandName}`,
      autostart: options.autostart,
      socketPath: options.socket && resolve(terminal.cwd, options.socket),
    });
    const selector = selectorOf(options, terminal.cwd);
    context.finish(await body({ client, output, terminal, selector }));
  } catch (error) {
    context.finish(reportError(output, error));
  }
}

function selectorOf({ codexHome, memory }: CommonOptions, cwd: string): SessionSelector {
  return {
    codexHome: codexHome && resolve(cwd, codexHome),
    ...(memory !== undefined && { storage: "memory", sessionName: memory }),
  };
}
