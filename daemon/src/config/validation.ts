/** One layer of settings against the schema, with complaints that a person can act on. */
import { AuthError } from "@codex-authd/shared";
import type { z } from "zod";
import { type Settings, settingsSchema } from "./schema.js";

/** Longest given value that a message repeats: enough to recognise it. */
const SHOWN_VALUE_MAX_CHARACTERS = 80;

type Issue = z.core.$ZodIssue;

/**
 * @param values what the layer says, by the key of config.toml
 * @param place where a key of this layer stands, in words: `…/config.toml: issuer`, or `--socket`
 * @throws AuthError ERR_CONFIG_INVALID, one line for each thing that is wrong
 */
export function parseLayer(values: unknown, place: (key: string) => string): Settings {
  const outcome = settingsSchema.safeParse(values);
  if (outcome.success) return outcome.data;
  const lines = outcome.error.issues.flatMap((issue) => complaints(issue, { values, place }));
  throw new AuthError("ERR_CONFIG_INVALID", lines.join("\n"));
}

function complaints(issue: Issue, layer: { values: unknown; place: (key: string) => string }): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${layer.place(key)}: there is no such key. ${suggestion(key)}`);
  }
  const key = issue.path.map(String).join(".");
  return [`${layer.place(key)}: ${allowed(issue)}, not ${shown(valueAt(layer.values, issue.path))}.`];
}

/** Our own messages say what a value must be; zod's own wording is left for a wrong type. */
function allowed(issue: Issue): string {
  return issue.code === "invalid_type" && issue.message.startsWith("Invalid")
    ? `must be a ${issue.expected}`
    : issue.message;
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], values);
}

/** What may be a user name and a password; nothing else that is configured has an `@`. */
const CREDENTIALS = /^("?).*@/s;

function shown(value: unknown): string {
  const text = (JSON.stringify(value) ?? String(value)).replace(CREDENTIALS, "$1…@");
  return text.length > SHOWN_VALUE_MAX_CHARACTERS ? `${text.slice(0, SHOWN_VALUE_MAX_CHARACTERS)}…` : text;
}

function suggestion(key: string): string {
  const known = Object.keys(settingsSchema.shape);
  const ranked = known.map((name) => ({ name, distance: editDistance(key, name) }));
  const nearest = ranked.reduce((best, next) => (next.distance < best.distance ? next : best));
  const isLikely = nearest.distance <= Math.max(2, nearest.name.length / 3);
  return isLikely ? `Did you mean "${nearest.name}"?` : `The keys are ${known.join(", ")}.`;
}

/** Levenshtein: the fewest insertions, deletions and substitutions that turn `from` into `to`. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (character === to[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
