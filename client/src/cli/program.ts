/** The full command line. The hot path of main.ts has not answered, so a commander and a client may be loaded. */
import { fromErrorObject } from "@codex-authd/shared";
import { Command, CommanderError } from "commander";
import { ClientError } from "../client-error.js";
import type { CommandContext } from "./command-scope.js";
import { appServerCommand } from "./commands/app-server.js";
import { completionCommand } from "./commands/completion.js";
import { daemonCommand } from "./commands/daemon.js";
import { doctorCommand } from "./commands/doctor.js";
import { execCommand } from "./commands/exec.js";
import { listCommand } from "./commands/list.js";
import { loginCommand } from "./commands/login.js";
import { logoutCommand } from "./commands/logout.js";
import { refreshCommand } from "./commands/refresh.js";
import { serviceCommand } from "./commands/service.js";
import { statusCommand } from "./commands/status.js";
import { tokenCommand } from "./commands/token.js";
import { watchCommand } from "./commands/watch.js";
import { reportError } from "./error-report.js";
import { EXIT } from "./exit-codes.js";
import { createOutput } from "./output.js";
import { ownVersion } from "./own-version.js";
import { processTerminal, type Terminal } from "./terminal.js";

const EXIT_CODE_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 login required, 4 daemon not reachable, 5 refused, 75 try again later.
exec and app-server end as their command does, or with 125 (not begun), 126 (cannot be executed) or 127 (not there).`;

/** What follows these is somebody else's command line. */
const WRAPPERS: readonly string[] = ["app-server", "exec"];

/**
 * Runs one command line.
 * @param argv the words after the program's name
 * @returns the exit code
 */
export async function run(argv: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  let exitCode: number = EXIT.done;
  const finish = (code: number): void => {
    exitCode = code;
  };
  try {
    await createProgram({ terminal, commandName: argv[0] ?? "", finish }).parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return usageExit(error, argv, terminal);
  }
}

/** Reports what the hot path was told: an error of the daemon's by its code, or that it did not answer. */
export function fail(
  failure: { code: string; message: string },
  terminal: Terminal = processTerminal(),
): number {
  const error =
    fromErrorObject({ code: 0, message: failure.message, data: { code: failure.code } }) ??
    new ClientError("ERR_DAEMON_TIMEOUT", failure.message);
  return reportError(createOutput(terminal, false), error);
}

/** The whole command line, with a help for each command. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("codex-auth")
    .description(
      "Logs in to ChatGPT for Codex, and hands out access tokens. Talks to codex-authd, which holds the login.",
    )
    .version(ownVersion(), "--version", "print the version")
    .enablePositionalOptions()
    .addHelpText("after", EXIT_CODE_HELP);
  const commands = [
    loginCommand,
    statusCommand,
    listCommand,
    watchCommand,
    tokenCommand,
    refreshCommand,
    logoutCommand,
    execCommand,
    appServerCommand,
    daemonCommand,
    serviceCommand,
    doctorCommand,
    completionCommand,
  ];
  for (const command of commands) program.addCommand(command(context));
  return prepared(program, context.terminal);
}

/** Every command of the tree throws instead of ending the process, and writes to the terminal that it was given. */
function prepared(command: Command, terminal: Terminal): Command {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.stdout.write(text),
    writeErr: (text) => terminal.stderr.write(text),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  for (const sub of command.commands) prepared(sub, terminal);
  return command;
}

/** commander has written its words by now; a program also gets its object. */
function usageExit(error: unknown, argv: readonly string[], terminal: Terminal): number {
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode === 0) return EXIT.done;
  const message = error.message.replace(/^error: /, "");
  const isJson = argv.includes("--json");
  createOutput(terminal, isJson).event({ error: { code: "ERR_USAGE", message, retryable: false } });
  return WRAPPERS.includes(argv[0] ?? "") ? EXIT.notPrepared : EXIT.usage;
}
