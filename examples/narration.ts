/** How a story is told in a terminal: headings, sentences, and commands with what they print. */

/** Wider output (JSON) is cut: it is there to be recognised, not to be read. */
const OUTPUT_MAX_CHARACTERS = 100;

/** The longest label of a fact. */
const LABEL_CHARACTERS = "valid until".length;

export function showHeading(text: string): void {
  say("", text, "─".repeat(text.length));
}

export function say(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/** Label and value, one a line, aligned. */
export function showFacts(facts: Readonly<Record<string, string>>): void {
  for (const [label, value] of Object.entries(facts)) say(`  ${label.padEnd(LABEL_CHARACTERS)}  ${value}`);
}

export function showCommand(command: string): void {
  say(`  $ ${command}`);
}

/** What a command printed, indented, long lines cut. */
export function showOutput(text: string): void {
  for (const line of text.trimEnd().split("\n")) say(`    ${shortened(line)}`);
}

function shortened(line: string): string {
  return line.length > OUTPUT_MAX_CHARACTERS ? `${line.slice(0, OUTPUT_MAX_CHARACTERS - 1)}…` : line;
}
