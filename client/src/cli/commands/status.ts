import { CHILD_KINDS, type ChildKind } from "@codex-authd/shared";
import { Command, Option } from "commander";
import {
  type CommandContext,
  type CommandScope,
  type CommonOptions,
  runCommand,
  withCommonOptions,
} from "../command-scope.js";
import { explanationLines } from "../credential-view.js";
import { EXIT } from "../exit-codes.js";
import { sessionLines } from "../session-view.js";

interface StatusOptions extends CommonOptions {
  readonly explain?: boolean;
  readonly for?: ChildKind;
}

const EXAMPLES = `
Examples:
  codex-auth status
  codex-auth status --json | jq -r .email
  codex-auth status --explain --for app-server`;

/** `codex-auth status`: exits 0 when logged in, 3 when a login is needed; with `--explain`, when a child would have none. */
export function statusCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("status"))
    .description("show who is logged in, and until when")
    .option("--explain", "say which credential Codex would use here, why, and which configuration counts")
    .addOption(new Option("--for <kind>", "with --explain: for a codex of this kind").choices(CHILD_KINDS))
    .addHelpText("after", EXAMPLES)
    .action((options: StatusOptions) =>
      runCommand(context, options, (scope) =>
        options.explain || options.for ? explain(scope, options) : show(scope),
      ),
    );
}

async function show({ client, output, selector, terminal }: CommandScope): Promise<number> {
  const status = await client.getStatus(selector);
  const columns = terminal.stdout.isTTY ? terminal.stdout.columns : undefined;
  const { codexHome } = selector;
  output.result(status, () =>
    sessionLines(status, { nowMs: terminal.clock.now(), output, columns, codexHome }),
  );
  return status.state === "active" ? EXIT.done : EXIT.loginRequired;
}

async function explain({ client, output, selector }: CommandScope, options: StatusOptions): Promise<number> {
  const explanation = await client.explainCredential({ ...selector, for: options.for });
  output.result(explanation, () => explanationLines(explanation, output));
  return explanation.used ? EXIT.done : EXIT.loginRequired;
}
