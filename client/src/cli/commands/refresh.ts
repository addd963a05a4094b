import { Command } from "commander";
import { type CommandContext, type CommonOptions, runCommand, withCommonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { sessionSentence } from "../session-view.js";

/** `codex-auth refresh`: a new access token now. The daemon refreshes by itself, so this is for trying things out. */
export function refreshCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("refresh"))
    .description("exchange the refresh token now (the daemon does so by itself in time)")
    .addHelpText("after", "\nExample:\n  codex-auth refresh")
    .action((options: CommonOptions) =>
      runCommand(context, options, async ({ client, output, selector, terminal }) => {
        const status = await client.refresh(selector);
        output.result(status, () => [sessionSentence(status, terminal.clock.now())]);
        return EXIT.done;
      }),
    );
}
