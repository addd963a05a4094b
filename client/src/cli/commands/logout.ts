import { Command } from "commander";
import type { LogoutResult } from "../../call-options.js";
import { type CommandContext, type CommonOptions, runCommand, withCommonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { printable } from "../format.js";

interface LogoutOptions extends CommonOptions {
  readonly revoke?: boolean;
}

/** `codex-auth logout`: exits 1 when a revocation was asked for and did not happen; the local logout is done all the same. */
export function logoutCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("logout"))
    .description("forget the login on this machine")
    .option("--revoke", "also revoke it at the issuer: signs out EVERY machine that shares this login")
    .addHelpText("after", "\nExamples:\n  codex-auth logout\n  codex-auth logout --revoke")
    .action((options: LogoutOptions) =>
      runCommand(context, options, async ({ client, output, selector }) => {
        const result = await client.logout({ ...selector, revoke: options.revoke === true });
        output.result(result, () => logoutLines(result));
        if (result.revocationError === null) return EXIT.done;
        output.note(
          `${output.styleNote(["bold", "red"], "error:")} The login was not revoked: ${printable(result.revocationError)}`,
          "  Other machines that share it stay signed in. End it in the account's security settings.",
        );
        return EXIT.failed;
      }),
    );
}

function logoutLines({ loggedOut, revoked }: LogoutResult): string[] {
  if (!loggedOut) return ["There was no login to forget."];
  return [
    revoked ? "Logged out, and revoked: every machine that shared this login is signed out." : "Logged out.",
  ];
}
