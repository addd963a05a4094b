import type { CompletedCommand, CompletedOption } from "./command-words.js";

/**
 * The completion script for bash 3.2 and newer, without the package bash-completion. Nothing that was typed is evaluated,
 * and no program is started at a TAB.
 */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  return `# bash completion for codex-auth: source <(codex-auth completion bash)
_codex_auth() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command="" words="" i IFS=$' \\t\\n'
  COMPREPLY=()
  if [[ $cur == "=" ]]; then cur=""; elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == -- ]]; then
      IFS=$'\\n' COMPREPLY=($(compgen -A command -A file -- "$cur"))
      return
    fi
    case "$command \${COMP_WORDS[i]}" in
      ${pathPatterns(commands)}) command="\${command:+$command }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command $prev" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$command" in
${commands.map(wordsCase).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _codex_auth codex-auth
`;
}

/** \`"$command $word"\` for each command that exists, so that the words of an option are not taken for one. */
function pathPatterns(commands: readonly CompletedCommand[]): string {
  const paths = commands.filter(({ path }) => path !== "").map(({ path }) => path);
  return paths.map((path) => `"${path.includes(" ") ? path : ` ${path}`}"`).join(" | ");
}

function valueCases({ path, options }: CompletedCommand): string[] {
  return options
    .filter(({ value }) => value !== "none")
    .map((option) => `    "${path} ${option.name}") ${findValues(option)}return ;;`);
}

function findValues({ value, choices }: CompletedOption): string {
  if (value === "choice") return `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur")); `;
  if (value === "unknown") return "";
  const kind = value === "directory" ? "-d" : "-f";
  return `IFS=$'\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen ${kind} -- "$cur")); `;
}

function wordsCase({ path, subcommands, options, choices }: CompletedCommand): string {
  const words = [...subcommands.map(({ name }) => name), ...choices, ...options.map(({ name }) => name)];
  return `    "${path}") words="${words.join(" ")}" ;;`;
}
