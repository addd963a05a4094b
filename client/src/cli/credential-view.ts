/** `codex-auth status --explain` in words. */
import type { CredentialExplanation } from "../call-options.js";
import { formatColumns, printable } from "./format.js";
import type { Output } from "./output.js";

const CHILD_WORDS = {
  exec: "`codex exec`",
  "app-server": "`codex app-server`",
} as const satisfies Record<CredentialExplanation["for"], string>;

const LAYER_WORDS = {
  read: "read",
  absent: "not there",
  untrusted: "ignored: the project is not trusted",
} as const satisfies Record<CredentialExplanation["layers"][number]["state"], string>;

/** What is used, why not the rest, and the configuration behind it. */
export function explanationLines(explanation: CredentialExplanation, output: Output): string[] {
  const { others, layers, configurationProblem } = explanation;
  return [
    headline(explanation, output),
    ...section(
      "Not used:",
      others.map(({ source, mode, reason }) => [`${source} (${mode})`, reason]),
    ),
    ...section("Configuration of Codex here, the last one wins:", layers.map(layerRow)),
    ...section("What it says:", explanation.settings.map(settingRow)),
    ...(configurationProblem
      ? [`${output.styleResult("yellow", "warning:")} ${printable(configurationProblem)}`]
      : []),
  ];
}

function headline({ for: kind, used, reason }: CredentialExplanation, output: Output): string {
  const child = CHILD_WORDS[kind];
  if (!used)
    return `${child} ${output.styleResult(["bold", "yellow"], "is not logged in")} here: ${printable(reason).replace(/\.$/, "")}.`;
  const credential = output.styleResult(["bold", "green"], `${printable(used.source)} (${used.mode})`);
  return `${child} uses ${credential} here: ${printable(reason).replace(/\.$/, "")}.`;
}

function layerRow({ source, path, state }: CredentialExplanation["layers"][number]): string[] {
  return [source, path, LAYER_WORDS[state]];
}

function settingRow({ key, said, path }: CredentialExplanation["settings"][number]): string[] {
  return [key, path === null ? "not set" : JSON.stringify(said), path ?? ""];
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return [title, ...formatColumns(rows.map((row) => row.map(printable))).map((line) => `  ${line}`)];
}
