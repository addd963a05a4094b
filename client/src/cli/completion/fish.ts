import type { CompletedCommand, CompletedOption } from "./command-words.js";

/** The completion script for fish. No program is started at a TAB. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const paths = commands.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  return `# fish completion for codex-auth
function __codex_auth_at
    set -l command ""
    for word in (commandline -opc)[2..]
        test "$word" = --; and return 1
        set -l deeper (string trim -- "$command $word")
        contains -- "$deeper" ${paths.join(" ")}; and set command "$deeper"
    end
    test "$command" = "$argv[1]"
end
complete -c codex-auth -n 'not contains -- -- (commandline -opc)' -f
${commands.flatMap(lines).join("\n")}
`;
}

function lines({ path, subcommands, options, choices }: CompletedCommand): string[] {
  const here = `complete -c codex-auth -n ${quoted(`__codex_auth_at "${path}"`)}`;
  return [
    ...subcommands.map(({ name, summary }) => `${here} -a ${name} -d ${quoted(summary)}`),
    ...(choices.length === 0 ? [] : [`${here} -a ${quoted(choices.join(" "))}`]),
    ...options.map(
      (option) => `${here} -l ${option.name.slice(2)}${values(option)} -d ${quoted(option.summary)}`,
    ),
  ];
}

function values({ value, choices }: CompletedOption): string {
  if (value === "none") return "";
  if (value === "choice") return ` -x -a ${quoted(choices.join(" "))}`;
  if (value === "directory") return " -x -a '(__fish_complete_directories)'";
  return value === "file" ? " -r -F" : " -x";
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
