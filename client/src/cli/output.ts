/** Where a command's words go: results to stdout, everything else to stderr; with `--json` objects to stdout. */
import { type OutputStream, type Style, styled, type Terminal } from "./terminal.js";

export interface Output {
  readonly isJson: boolean;
  /** The result: the object with `--json`, else the lines. */
  result(object: object, lines: () => readonly string[]): void;
  /** A word to the person on the way; nothing with `--json`. */
  note(...lines: readonly string[]): void;
  /** One JSON object as a line; nothing without `--json`. */
  event(object: object): void;
  /** A style for a part of a result (stdout) or a note (stderr). */
  styleResult(style: Style, text: string): string;
  styleNote(style: Style, text: string): string;
}

export function createOutput({ stdout, stderr }: Terminal, isJson: boolean): Output {
  return {
    isJson,
    result: (object, lines) => (isJson ? writeJson(stdout, object) : writeLines(stdout, lines())),
    note: (...lines) => {
      if (!isJson) writeLines(stderr, lines);
    },
    event: (object) => {
      if (isJson) writeJson(stdout, object);
    },
    styleResult: (style, text) => styled(stdout, style, text),
    styleNote: (style, text) => styled(stderr, style, text),
  };
}

function writeJson(stream: OutputStream, object: object): void {
  stream.write(`${JSON.stringify(object)}\n`);
}

function writeLines(stream: OutputStream, lines: readonly string[]): void {
  stream.write(lines.map((line) => `${line}\n`).join(""));
}
