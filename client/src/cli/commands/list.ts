import { Command } from "commander";
import { type CommandContext, type CommonOptions, runCommand, withCommonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { sessionTable } from "../session-view.js";

/** `codex-auth list`: every session that the daemon knows. */
export function listCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("list"))
    .description("list all sessions of the daemon")
    .addHelpText("after", "\nExample:\n  codex-auth list")
    .action((options: CommonOptions) =>
      runCommand(context, options, async ({ client, output, terminal }) => {
        const sessions = await client.listSessions();
        output.result({ sessions }, () => sessionTable(sessions, terminal.clock.now()));
        return EXIT.done;
      }),
    );
}
