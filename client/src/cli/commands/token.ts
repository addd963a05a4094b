import { Command, InvalidArgumentError } from "commander";
import { type CommandContext, type CommonOptions, runCommand, withCommonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";

interface TokenOptions extends CommonOptions {
  readonly minValidity: number;
}

/** `codex-auth token`: the access token alone, on stdout. Its plain form is answered by the hot path and never gets here. */
export function tokenCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("token"))
    .description("print an access token; never starts a login")
    .option("--min-validity <seconds>", "seconds that the token should still be valid for", parseSeconds, 0)
    .addHelpText("after", '\nExample:\n  curl -H "Authorization: Bearer $(codex-auth token)" …')
    .action((options: TokenOptions) =>
      runCommand(context, options, async ({ client, output, selector }) => {
        const token = await client.getAccessToken({ ...selector, minValidityMs: options.minValidity * 1000 });
        output.result(token, () => [token.accessToken]);
        return EXIT.done;
      }),
    );
}

function parseSeconds(value: string): number {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 86_400) {
    throw new InvalidArgumentError("Give whole seconds, at most 86400 (a day).");
  }
  return Number(value);
}
