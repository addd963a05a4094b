/** Words for values, as a person reads them. Pure. */
import { stripVTControlCharacters } from "node:util";
import type { EpochMs } from "@codex-authd/shared";
import stringWidth from "string-width";
import { fit, wrap } from "./text.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const relativeTime = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** Shown for what there is none of. */
export const NONE = "none";

/** Foreign text without anything that could steer a terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Bidi_Control}]+/gu, " ");
}

/** `14:32` today, `2026-11-23 14:32` on another day; local time. */
export function formatTime(atMs: EpochMs, nowMs: EpochMs): string {
  const at = new Date(atMs);
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  return isSameDay(at, new Date(nowMs))
    ? time
    : `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

/** `in 59 minutes`, `2 hours ago`; whole units, never more than there is. */
export function formatDistance(atMs: EpochMs, nowMs: EpochMs): string {
  const distanceMs = atMs - nowMs;
  const sizeMs = Math.abs(distanceMs);
  if (sizeMs < MINUTE_MS) return relativeTime.format(Math.trunc(distanceMs / SECOND_MS), "second");
  if (sizeMs < 2 * HOUR_MS) return relativeTime.format(Math.trunc(distanceMs / MINUTE_MS), "minute");
  if (sizeMs < 2 * DAY_MS) return relativeTime.format(Math.trunc(distanceMs / HOUR_MS), "hour");
  return relativeTime.format(Math.trunc(distanceMs / DAY_MS), "day");
}

/** `14:32 (in 59 minutes)`. */
export function formatMoment(atMs: EpochMs, nowMs: EpochMs): string {
  return `${formatTime(atMs, nowMs)} (${formatDistance(atMs, nowMs)})`;
}

/** `9:41` for a countdown; never negative. */
export function formatCountdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / SECOND_MS));
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
}

/** Rows as aligned columns, two spaces apart; the last column is not padded. */
export function formatColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((widest, row) => {
    return row.map((cell, column) => Math.max(stringWidth(cell), widest[column] ?? 0));
  }, []);
  return rows.map((row) =>
    row
      .map((cell, column) => fit(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A value is not broken into less than this. */
const VALUE_MIN_COLUMNS = 16;

/** Labels and values; a long value goes on below itself, where the terminal's width is known. */
export function formatFacts(
  facts: readonly (readonly [label: string, value: string])[],
  columns: number | undefined,
): string[] {
  const indent = Math.max(0, ...facts.map(([label]) => stringWidth(label))) + 4;
  const room =
    columns === undefined ? Number.POSITIVE_INFINITY : Math.max(VALUE_MIN_COLUMNS, columns - indent);
  return facts.flatMap(([label, value]) => {
    const lines = wrap(value, room);
    return lines.map((line, index) => fit(index === 0 ? `  ${label}` : "", indent) + line);
  });
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

function isSameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}
