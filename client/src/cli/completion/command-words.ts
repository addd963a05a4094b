/** The command line as a shell completes it: every command with the words that may follow, read off commander's own tree. */
import type { Command, Option } from "commander";

export interface CompletedOption {
  /** With its dashes: `--codex-home`. */
  readonly name: string;
  readonly summary: string;
  /** What follows it: nothing, one of `choices`, the name of something on disk, or what no shell can know. */
  readonly value: "none" | "choice" | "directory" | "file" | "unknown";
  readonly choices: readonly string[];
}

export interface CompletedCommand {
  /** Names from the program down, joined by spaces; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly CompletedOption[];
  /** Values of its first argument, where they are known. */
  readonly choices: readonly string[];
}

/** The program and all of its commands, parents first. */
export function commandWords(command: Command, path = ""): CompletedCommand[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const own: CompletedCommand = {
    path,
    subcommands: children.map((child) => ({ name: child.name(), summary: child.description() })),
    options: help.visibleOptions(command).flatMap(optionWords),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [own, ...children.flatMap((child) => commandWords(child, `${path} ${child.name()}`.trim()))];
}

function optionWords(option: Option): CompletedOption[] {
  if (!option.long) return [];
  const choices = option.argChoices ?? [];
  return [{ name: option.long, summary: option.description, value: kindOfValue(option), choices }];
}

/** The placeholder in the flags says it: `--codex-home <dir>`, `--socket <path>`. */
function kindOfValue({ flags, required, optional, argChoices }: Option): CompletedOption["value"] {
  if (!required && !optional) return "none";
  if (argChoices) return "choice";
  if (flags.includes("<dir>")) return "directory";
  return /<(?:path|file)>/.test(flags) ? "file" : "unknown";
}
