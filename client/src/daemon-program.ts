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
 * What a daemon needs of its starter's environment: places, language, and the way through the network. Nothing else goes
 * along, so no API key of the first caller lives on in a process that outlives it.
 */
const NAMES: readonly string[] = [
  "ALL_PROXY",
  "CODEX_CA_CERTIFICATE",
  "CODEX_HOME",
  "HOME",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "LANG",
  "LOGNAME",
  "NODE_EXTRA_CA_CERTS",
  "NO_PROXY",
  "PATH",
  "SSL_CERT_FILE",
  "TMPDIR",
  "TZ",
  "USER",
  "all_proxy",
  "http_proxy",
  "https_proxy",
  "no_proxy",
];
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
