import { Command } from "commander";
import { type CommandContext, type CommonOptions, withDaemonOptions } from "../command-scope.js";
import { runWithLogin, runWithTokens } from "../run-with-login.js";

interface AppServerCommandOptions extends Omit<CommonOptions, "memory"> {
  readonly codex: string;
  /** True without a name. */
  readonly memory?: string | true;
}

const HELP = `
For a host that starts "codex app-server" and speaks to it on stdio: name codex-auth as its Codex program. From the
first option on that is not ours, all goes to codex. By default every byte goes through unchanged. With --memory the
app-server gets access tokens only, and nothing of the login is in its Codex home: the host's initialize gets
experimentalApi, the messages about the tokens stay between codex and codex-auth, and account/login/start and
account/logout of the host are refused. --codex-home is then the home of the login, not of the app-server.

Exit codes of its own: 125 when there is no login or no daemon, 126 when codex cannot be executed, 127 when there is none.

Examples:
  codex-auth app-server                               the login of the Codex home
  codex-auth app-server --codex ~/bin/codex           another Codex than the one on PATH
  codex-auth app-server --memory --codex-home ~/work  tokens of the login in ~/work
  codex-auth app-server --memory work                 tokens of the login "work" in the daemon's memory`;

/** `codex-auth app-server`: `codex app-server` with its login ensured, in the place of the original. */
export function appServerCommand(context: CommandContext): Command {
  return withDaemonOptions(new Command("app-server"))
    .description("run codex app-server with its login ensured, for a host that starts it")
    .option("--codex <path>", "the Codex program", "codex")
    .option(
      "--memory [name]",
      "hand it tokens only: of this login in the daemon's memory, or of the Codex home",
    )
    .argument("[args...]", "more arguments for codex app-server")
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText("after", HELP)
    .action((args: string[], { codex, memory, ...options }: AppServerCommandOptions) => {
      const program = { command: codex, args: ["app-server", ...args] };
      if (memory === undefined) return runWithLogin(context, options, program);
      return runWithTokens(context, memory === true ? options : { ...options, memory }, program);
    });
}
