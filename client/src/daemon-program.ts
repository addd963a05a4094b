/** The daemon as a program: where it is, and in which environment a client starts it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Environment } from "@codex-authd/shared";

export interface DaemonProgram {
  readonly command: string;
  readonly args: readonly string[];
}

/** The daemon's entry in a checkout and in node_modules/@codex-authd/ alike. */
const BESIDE = fileURLToPath(new URL("../../daemon/dist/main.js", import.meta.url));

/** The daemon beside this client, else `codex-authd` on PATH. */
export function findDaemonProgram(): DaemonProgram {
  if (existsSync(BESIDE)) return { command: process.execPath, args: [BESIDE] };
  return { command: "codex-authd", args: [] };
}

/**
 * What a daemon needs of its starter's environment: places and language. Nothing else goes along, so that no API key, CA
 * or proxy of the first caller lives on in a process that outlives it: a login brings its own.
 */
const NAMES: readonly string[] = ["CODEX_HOME", "HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER"];
const PREFIXES: readonly string[] = ["CODEX_AUTHD_", "LC_", "XDG_"];

/** The part of `env` that a daemon is started with. */
export function daemonEnvironment(env: Environment): Record<string, string> {
  const isAllowed = (name: string): boolean =>
    NAMES.includes(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
  const entries = Object.entries(env).filter(
    (entry): entry is [string, string] => isAllowed(entry[0]) && entry[1] !== undefined,
  );
  return Object.fromEntries(entries);
}
