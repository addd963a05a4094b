import { parseArgs } from "node:util";
import { AuthError } from "@codex-authd/shared";

/** What the command line says, before any of it is validated. */
export interface Flags {
  readonly socket?: string;
  readonly config?: string;
  readonly logLevel?: string;
  /** Say whether the configuration is right, and serve nothing. */
  readonly check: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

export const USAGE = `codex-authd: the one process on this machine that owns the Codex login

Usage: codex-authd [options]

  --socket <path>      listen here               (CODEX_AUTHD_SOCKET, socket)
  --config <path>      read this configuration   (CODEX_AUTHD_CONFIG)
  --log-level <level>  fatal, error, warn, info, debug, trace or silent
                                                 (CODEX_AUTHD_LOG_LEVEL, log_level)
  --check              say whether the configuration is right, and serve nothing
  --version            print the version
  --help               print this

Flags win over the environment, which wins over config.toml. docs/configuration.md lists every key.
`;

/**
 * @param argv the arguments after the program's own name
 * @throws AuthError ERR_CONFIG_INVALID for an unknown flag, a flag without its value, or anything that is not a flag
 */
export function parseFlags(argv: readonly string[]): Flags {
  const values = parseOrRefuse(argv);
  return {
    ...(values.socket === undefined ? {} : { socket: values.socket }),
    ...(values.config === undefined ? {} : { config: values.config }),
    ...(values["log-level"] === undefined ? {} : { logLevel: values["log-level"] }),
    check: values.check ?? false,
    help: values.help ?? false,
    version: values.version ?? false,
  };
}

function parseOrRefuse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        socket: { type: "string" },
        config: { type: "string" },
        "log-level": { type: "string" },
        check: { type: "boolean" },
        help: { type: "boolean" },
        version: { type: "boolean" },
      },
    }).values;
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AuthError("ERR_CONFIG_INVALID", `${words} (\`codex-authd --help\` lists the flags.)`, {
      cause,
    });
  }
}
