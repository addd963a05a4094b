/** Text that fits into columns of a terminal, where some characters take two and some none. */
import stringWidth from "string-width";

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** `text` cut to `columns`, with an ellipsis where something is missing. */
export function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = "";
  for (const { segment } of segmenter.segment(text)) {
    if (stringWidth(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** `text` cut or filled up to exactly `columns`. */
export function fit(text: string, columns: number): string {
  const whole = cut(text, columns);
  return whole + " ".repeat(Math.max(0, columns - stringWidth(whole)));
}

/** `text` in lines of at most `columns`, broken between words where it can be. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((word) => pieces(word, columns))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (stringWidth(longer) <= columns) line = longer;
    else {
      if (line !== "") lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

/** A word that is wider than a line, such as a path. */
function pieces(word: string, columns: number): string[] {
  const parts = [""];
  for (const { segment } of segmenter.segment(word)) {
    const last = parts.at(-1) ?? "";
    if (last === "" || stringWidth(last + segment) <= columns) parts[parts.length - 1] = last + segment;
    else parts.push(segment);
  }
  return parts;
}
