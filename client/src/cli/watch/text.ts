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
