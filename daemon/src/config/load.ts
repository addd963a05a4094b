/** Flags, environment and config.toml become one frozen {@link Config}: flags > environment > file > default. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  AuthError,
  checkedSocketPath,
  codexHomePath,
  configPath,
  type Environment,
  type Redacted,
  type Seconds,
  socketPaths,
} from "@codex-authd/shared";
import { parse, TomlError } from "smol-toml";
import type { Flags } from "./flags.js";
import { type LogLevel, SETTING_DEFAULTS, type Settings } from "./schema.js";
import { parseLayer } from "./validation.js";

/** The daemon's configuration, deeply frozen. Each field is the key of config.toml of the same name. */
export interface Config {
  readonly audit: boolean;
  readonly caCertificateFile: string | null;
  readonly callbackPort: number;
  /** Default: upstream's 1457 beside its 1455, else none. */
  readonly callbackFallbackPort: number | undefined;
  readonly clientId: string;
  readonly codexHome: string;
  /** Program and arguments. */
  readonly hookCommand: readonly string[] | null;
  readonly httpProxy: Redacted | null;
  readonly httpsProxy: Redacted | null;
  readonly idleExitSeconds: Seconds;
  readonly issuer: string;
  readonly logLevel: LogLevel;
  readonly noProxy: string | null;
  readonly notify: boolean;
  readonly originator: string;
  readonly redirectHost: "localhost" | "127.0.0.1";
  readonly socket: string;
  readonly trustedIssuers: readonly string[];
}

export interface LoadConfigOptions {
  readonly flags: Flags;
  readonly env: Environment;
  /** Reads a file as UTF-8. Default: the disk. */
  readonly readFile?: (path: string) => string;
}

/**
 * @throws AuthError ERR_CONFIG_INVALID naming the file, variable or flag, the key, what was given and what is allowed;
 * also when a file that was asked for is missing, or one that is there cannot be read
 */
export function loadConfig({ flags, env, readFile = readUtf8 }: LoadConfigOptions): Config {
  const fromFile = fileLayer({ flags, env, readFile });
  const fromEnv = parseLayer(
    defined({
      socket: env.CODEX_AUTHD_SOCKET || undefined,
      log_level: env.CODEX_AUTHD_LOG_LEVEL || undefined,
    }),
    (key) => (key === "socket" ? "CODEX_AUTHD_SOCKET" : "CODEX_AUTHD_LOG_LEVEL"),
  );
  const fromFlags = parseLayer(defined({ socket: flags.socket, log_level: flags.logLevel }), (key) =>
    key === "socket" ? "--socket" : "--log-level",
  );
  return toConfig({ ...fromFile, ...fromEnv, ...fromFlags }, env);
}

function fileLayer({ flags, env, readFile }: Required<LoadConfigOptions>): Settings {
  const path = flags.config ?? configPath(env);
  const isAskedFor = flags.config !== undefined || Boolean(env.CODEX_AUTHD_CONFIG);
  const text = readOrRefuse(path, readFile);
  if (text === undefined && isAskedFor) {
    throw invalid(
      `There is no configuration file at ${path}. Create it, or leave out --config and CODEX_AUTHD_CONFIG.`,
    );
  }
  return parseLayer(parseToml(path, text ?? ""), (key) => `${path}: ${key}`);
}

function readOrRefuse(path: string, readFile: (path: string) => string): string | undefined {
  try {
    return readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    throw invalid(
      `The configuration file ${path} cannot be read (${code}). Mend its permissions or its place.`,
      cause,
    );
  }
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [what] = cause.message.split("\n");
    throw invalid(`${path}:${cause.line}:${cause.column}: ${what}. Correct this line.`, cause);
  }
}

/** Where codex-cli 0.169 goes when its port is taken; the issuer knows these two. */
const UPSTREAM_FALLBACK_PORT = 1457;

function toConfig(settings: Settings, env: Environment): Config {
  const { callback_port: callbackPort = SETTING_DEFAULTS.callback_port } = settings;
  const isUpstreams = callbackPort === SETTING_DEFAULTS.callback_port;
  return Object.freeze({
    audit: settings.audit ?? SETTING_DEFAULTS.audit,
    caCertificateFile: settings.ca_certificate_file ?? null,
    callbackPort,
    callbackFallbackPort:
      settings.callback_fallback_port ?? (isUpstreams ? UPSTREAM_FALLBACK_PORT : undefined),
    clientId: settings.client_id ?? SETTING_DEFAULTS.client_id,
    codexHome: settings.codex_home ?? resolve(codexHomePath(env)),
    hookCommand: settings.hook_command ? Object.freeze([...settings.hook_command]) : null,
    httpProxy: settings.http_proxy ?? null,
    httpsProxy: settings.https_proxy ?? null,
    idleExitSeconds: settings.idle_exit_seconds ?? SETTING_DEFAULTS.idle_exit_seconds,
    issuer: settings.issuer ?? SETTING_DEFAULTS.issuer,
    logLevel: settings.log_level ?? SETTING_DEFAULTS.log_level,
    noProxy: settings.no_proxy ?? null,
    notify: settings.notify ?? SETTING_DEFAULTS.notify,
    originator: settings.originator ?? SETTING_DEFAULTS.originator,
    redirectHost: settings.redirect_host ?? SETTING_DEFAULTS.redirect_host,
    socket: checkedSocketPath(settings.socket ?? socketPaths(env)[0]),
    trustedIssuers: Object.freeze([...(settings.trusted_issuers ?? SETTING_DEFAULTS.trusted_issuers)]),
  });
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function readUtf8(path: string): string {
  return readFileSync(path, "utf8");
}

function invalid(message: string, cause?: unknown): AuthError {
  return new AuthError("ERR_CONFIG_INVALID", message, { cause });
}
