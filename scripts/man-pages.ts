/** Writes the man pages from what `--help` is made of: `man/codex-auth.1` and `man/codex-authd.8` in their packages. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command, Option } from "commander";
import { createProgram } from "#client/cli/program.js";
import { processTerminal } from "#client/cli/terminal.js";
import { USAGE } from "#daemon/config/flags.js";
import { SETTING_DEFAULTS, settingsSchema } from "#daemon/config/schema.js";
import { definition, heading, literal, manPage, paragraph, subheading } from "./roff.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Options of at least this many commands are described once. */
const COMMON_COMMANDS_MIN = 3;

function clientPage(version: string): string {
  const program = createProgram({ terminal: processTerminal(), commandName: "", finish: () => {} });
  const commands = leavesOf(program);
  const common = commonOptions(commands);
  return manPage({
    name: "codex-auth",
    section: 1,
    version,
    summary: "log in to ChatGPT for Codex, and hand out access tokens",
    body: [
      heading("SYNOPSIS"),
      literal("codex-auth COMMAND [OPTION]..."),
      ...[heading("DESCRIPTION"), paragraph(program.description())],
      heading("COMMANDS"),
      ...commands.flatMap((command) => commandPart(command, common)),
      heading("COMMON OPTIONS"),
      ...common.map(({ flags, description }) => definition(flags, description)),
      ...[heading("EXIT STATUS"), paragraph(textAfterHelp(program).replace("Exit codes: ", ""))],
      ...[heading("SEE ALSO"), paragraph("codex-authd(8)")],
    ],
  });
}

function commandPart(command: Command, common: readonly Option[]): string[] {
  const isCommon = (option: Option): boolean => common.some(({ flags }) => flags === option.flags);
  const own = optionsOf(command).filter((option) => !isCommon(option));
  const after = textAfterHelp(command);
  return [
    subheading(usageOf(command)),
    paragraph(command.description()),
    ...own.map(({ flags, description }) => definition(flags, description)),
    ...(after === "" ? [] : [literal(after)]),
  ];
}

/** Commands that do something, in the order of the help. */
function leavesOf(command: Command): Command[] {
  const children = command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== "help");
  return children.length === 0 ? [command] : children.flatMap(leavesOf);
}

function usageOf(command: Command): string {
  const names = [];
  for (let at: Command | null = command; at; at = at.parent) names.unshift(at.name());
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]...`,
  );
  return [...names, ...args].join(" ");
}

function optionsOf(command: Command): Option[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help");
}

function commonOptions(commands: readonly Command[]): Option[] {
  const all = commands.flatMap(optionsOf);
  const count = (option: Option): number => all.filter(({ flags }) => flags === option.flags).length;
  const common = all.filter((option) => count(option) >= COMMON_COMMANDS_MIN);
  return [...new Map(common.map((option) => [option.flags, option])).values()];
}

/** The examples, and what else a command says below its options. */
function textAfterHelp(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (words) => {
      text += words;
    },
  });
  command.outputHelp();
  return text.replace(command.helpInformation(), "").trim();
}

function daemonPage(version: string): string {
  const settings = Object.entries(settingsSchema.shape).map(([key, schema]) => {
    const fallback = (SETTING_DEFAULTS as Readonly<Record<string, unknown>>)[key];
    const standard = fallback === undefined ? "" : ` Default: ${JSON.stringify(fallback)}.`;
    return definition(key, `${schema.description ?? ""}${standard}`);
  });
  return manPage({
    name: "codex-authd",
    section: 8,
    version,
    summary: "the one process on this machine that owns the Codex login",
    body: [
      ...[heading("SYNOPSIS"), literal("codex-authd [OPTION]...")],
      ...[heading("DESCRIPTION"), literal(USAGE.split("\n").slice(4).join("\n").trim())],
      ...[
        heading("CONFIGURATION"),
        paragraph("Keys of config.toml in $XDG_CONFIG_HOME/codex-authd (~/.config/codex-authd):"),
      ],
      ...settings,
      ...[heading("SEE ALSO"), paragraph("codex-auth(1)")],
    ],
  });
}

function write(workspace: string, file: string, page: (version: string) => string): void {
  const { version } = JSON.parse(readFileSync(`${ROOT}${workspace}/package.json`, "utf8"));
  mkdirSync(`${ROOT}${workspace}/man`, { recursive: true });
  writeFileSync(`${ROOT}${workspace}/man/${file}`, page(version));
}

write("client", "codex-auth.1", clientPage);
write("daemon", "codex-authd.8", daemonPage);
