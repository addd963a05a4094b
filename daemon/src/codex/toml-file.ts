/** TOML files of Codex's own configuration. A policy that nobody can read is not ignored. */
import { AuthError } from "@codex-authd/shared";
import { parse } from "smol-toml";
import type { z } from "zod";
import { readRegularFile } from "../regular-file.js";

export type TomlTable = Readonly<Record<string, unknown>>;

export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The table in a file; `undefined` when there is no such file.
 * @throws AuthError ERR_CONFIG_INVALID naming the file and the cause
 */
export function readTomlFile(path: string): TomlTable | undefined {
  try {
    return parse(readRegularFile(path));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw invalidConfig(path, code ?? message.split("\n")[0] ?? "it is not TOML", cause);
  }
}

interface NamedTable {
  readonly path: string;
  readonly table: TomlTable;
}

/** The last file that has the key: whose word counts. */
export function decisive<Layer extends NamedTable>(layers: readonly Layer[], key: string): Layer | undefined {
  return layers.findLast(({ table }) => key in table);
}

/**
 * `table`, merged from `layers`, as the schema has it.
 * @throws AuthError ERR_CONFIG_INVALID naming the key and the file that has it
 */
export function understood<Schema extends z.ZodType>(
  schema: Schema,
  table: TomlTable,
  layers: readonly NamedTable[],
): z.output<Schema> {
  const parsed = schema.safeParse(table);
  if (parsed.success) return parsed.data;
  const key = parsed.error.issues[0]?.path ?? [];
  const path = decisive(layers, String(key[0]))?.path ?? "configuration";
  throw invalidConfig(path, `"${key.join(".")}" has a value that Codex does not know`);
}

export function invalidConfig(path: string, what: string, cause?: unknown): AuthError {
  const message = `Codex's own ${path} cannot be used (${what}). Correct it, then log in again.`;
  return new AuthError("ERR_CONFIG_INVALID", message, { cause });
}
