import { Command } from "commander";
import { type CommandContext, type CommonOptions, withDaemonOptions } from "../command-scope.js";
import { runWithLogin } from "../run-with-login.js";

interface AppServerCommandOptions extends CommonOptions {
  readonly codex: string;
}

const HELP = `
For a host that starts "codex app-server" and speaks to it on stdio: name codex-auth as its Codex program. Options that
are not ours go to codex. Exit codes of its own: 125 when there is no login or no daemon, 126 when codex cannot be
executed, 127 when there is none.

Examples:
  codex-auth app-server                       the login of the Codex home; every byte goes through unchanged
  codex-auth app-server --codex ~/bin/codex   another Codex than the one on PATH`;

/** `codex-auth app-server`: `codex app-server` with its login ensured, in the place of the original. */
export function appServerCommand(context: CommandContext): Command {
  return withDaemonOptions(new Command("app-server"))
    .description("run codex app-server with its login ensured, for a host that starts it")
    .option("--codex <path>", "the Codex program", "codex")
    .argument("[args...]", "more arguments for codex app-server")
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText("after", HELP)
    .action((args: string[], options: AppServerCommandOptions) =>
      runWithLogin(context, options, { command: options.codex, args: ["app-server", ...args] }),
    );
}
