import { Command } from "commander";
import { type CommandContext, type CommonOptions, runCommand, withCommonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { sessionLines } from "../session-view.js";

/** `codex-auth status`: exits 0 when logged in, 3 when a login is needed. */
export function statusCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("status"))
    .description("show who is logged in, and until when")
    .addHelpText("after", "\nExamples:\n  codex-auth status\n  codex-auth status --json | jq -r .email")
    .action((options: CommonOptions) =>
      runCommand(context, options, async ({ client, output, selector, terminal }) => {
        const status = await client.getStatus(selector);
        output.result(status, () => sessionLines(status, terminal.clock.now(), output));
        return status.state === "active" ? EXIT.done : EXIT.loginRequired;
      }),
    );
}
