import { Command } from "commander";
import { type CommandContext, type CommonOptions, withDaemonOptions } from "../command-scope.js";
import { runWithLogin } from "../run-with-login.js";

const HELP = `
The command has the terminal, the signals and the last word: codex-auth exits as it does. Exit codes of its own: 125 when
there is no login or no daemon, 126 when the command cannot be executed, 127 when there is none.

Examples:
  codex-auth exec -- codex                      logs in first where that is needed
  codex-auth exec -- codex exec "say hello"     without a terminal: fails where a login is needed
  codex-auth exec --codex-home ~/work -- codex  with another Codex home`;

/** `codex-auth exec`: runs a command with its login ensured and its environment prepared. */
export function execCommand(context: CommandContext): Command {
  return withDaemonOptions(new Command("exec"))
    .description("run a command, such as codex, with its login ensured")
    .argument("<command>", "the program to run")
    .argument("[args...]", "its arguments")
    .passThroughOptions()
    .addHelpText("after", HELP)
    .action((command: string, args: string[], options: CommonOptions) =>
      runWithLogin(context, options, { command, args }),
    );
}
