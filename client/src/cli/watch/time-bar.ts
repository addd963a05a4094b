/** How much of a token's life is left, as a bar. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

export interface BarStyle {
  /** Cells. */
  readonly width: number;
  /** False: ASCII, for a locale that is not UTF-8. */
  readonly isUtf8: boolean;
}

/** @param share of the life that is left, from 0 to 1 */
export function timeBar(share: number, { width, isUtf8 }: BarStyle): string {
  const cells = Math.min(1, Math.max(0, share)) * width;
  if (!isUtf8) return `[${"#".repeat(Math.round(cells)).padEnd(width, "-")}]`;
  const full = Math.floor(cells);
  const part = EIGHTHS[Math.floor((cells - full) * 8)] ?? "";
  return `${"█".repeat(full)}${part}`.padEnd(width, "░");
}
