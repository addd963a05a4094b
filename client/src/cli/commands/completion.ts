import { Argument, Command } from "commander";
import type { CommandContext } from "../command-scope.js";
import { bashCompletion } from "../completion/bash.js";
import { type CompletedCommand, commandWords } from "../completion/command-words.js";
import { fishCompletion } from "../completion/fish.js";
import { zshCompletion } from "../completion/zsh.js";
import { EXIT } from "../exit-codes.js";

const SCRIPTS = { bash: bashCompletion, fish: fishCompletion, zsh: zshCompletion } as const satisfies Record<
  string,
  (commands: readonly CompletedCommand[]) => string
>;

type Shell = keyof typeof SCRIPTS;

const EXAMPLES = `
Examples:
  source <(codex-auth completion bash)                                       in ~/.bashrc
  codex-auth completion zsh > "\${fpath[1]}/_codex-auth"                      once
  codex-auth completion fish > ~/.config/fish/completions/codex-auth.fish    once`;

/** `codex-auth completion`: a script that completes the commands and options of the whole program. */
export function completionCommand({ terminal, finish }: CommandContext): Command {
  const command = new Command("completion");
  return command
    .description("print the completion script of a shell")
    .addArgument(new Argument("<shell>", "whose script to print").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", EXAMPLES)
    .action((shell: Shell) => {
      terminal.stdout.write(SCRIPTS[shell](commandWords(command.parent ?? command)));
      finish(EXIT.done);
    });
}
