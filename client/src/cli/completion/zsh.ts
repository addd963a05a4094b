import type { CompletedCommand, CompletedOption } from "./command-words.js";

/** The completion script for zsh: as a file in $fpath, or sourced. No program is started at a TAB. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef codex-auth
_codex-auth() {
  local command="" i
  local -a found flags
  for ((i = 2; i < CURRENT; i++)); do
    if [[ $words[i] == -- ]]; then
      shift $i words
      (( CURRENT -= i ))
      _normal
      return
    fi
    case "$command $words[i]" in
      ${pathPatterns(commands)}) command="\${command:+$command }$words[i]" ;;
    esac
  done
  case "$command $words[CURRENT-1]" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$command" in
${commands.map(wordsCase).join("\n")}
  esac
  _describe command found
  _describe -o option flags
}
if [[ $funcstack[1] == _codex-auth ]]; then _codex-auth "$@"; else compdef _codex-auth codex-auth; fi
`;
}

function pathPatterns(commands: readonly CompletedCommand[]): string {
  const paths = commands.filter(({ path }) => path !== "").map(({ path }) => path);
  return paths.map((path) => `(${quoted(path.includes(" ") ? path : ` ${path}`)})`).join("|");
}

function valueCases({ path, options }: CompletedCommand): string[] {
  return options
    .filter(({ value }) => value !== "none")
    .map((option) => `    ${quoted(`${path} ${option.name}`)}) ${values(option)}; return ;;`);
}

function values({ value, choices }: CompletedOption): string {
  if (value === "choice") return `compadd -- ${choices.map(quoted).join(" ")}`;
  if (value === "directory") return "_files -/";
  return value === "file" ? "_files" : "_message value";
}

function wordsCase({ path, subcommands, options, choices }: CompletedCommand): string {
  const found = [...subcommands.map(described), ...choices.map(quoted)];
  const flags = options.map(described);
  return `    ${quoted(path)}) found=(${found.join(" ")}) flags=(${flags.join(" ")}) ;;`;
}

function described({ name, summary }: { readonly name: string; readonly summary: string }): string {
  return quoted(`${name}:${summary.replaceAll(":", "\\:")}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
