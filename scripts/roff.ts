/** man pages in the macros of man(7). */

export interface ManPage {
  readonly name: string;
  readonly section: 1 | 8;
  readonly version: string;
  /** Half a sentence, after the name. */
  readonly summary: string;
  /** What is written below the name: see {@link heading}, {@link paragraph}, {@link definition} and {@link literal}. */
  readonly body: readonly string[];
}

export function manPage({ name, section, version, summary, body }: ManPage): string {
  return [
    `.TH ${name.toUpperCase().replaceAll("-", "\\-")} ${section} "" "codex\\-authd ${version}" "codex\\-authd"`,
    ...[heading("NAME"), `${escaped(name)} \\- ${escaped(summary)}`],
    ...body,
    "",
  ]
    .join("\n")
    .replace(/^(\.S[HS] .*)\n\.PP$/gm, "$1");
}

export function heading(words: string): string {
  return `.SH ${escaped(words)}`;
}

export function subheading(words: string): string {
  return `.SS ${escaped(words)}`;
}

export function paragraph(text: string): string {
  return `.PP\n${escaped(text)}`;
}

/** A term in bold, and what it means. */
export function definition(term: string, text: string): string {
  return `.TP\n.B ${escaped(term)}\n${escaped(text)}`;
}

/** Lines as they are. */
export function literal(text: string): string {
  return `.PP\n.nf\n${text.split("\n").map(escaped).join("\n")}\n.fi`;
}

/** A dash is typed, not set as a hyphen; a line that begins with a dot or a quote is no request. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}
