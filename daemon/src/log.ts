/**
 * The log: one JSON object a line on stderr. Three walls keep secrets out of it: callers can only name the fields below,
 * an error is reduced to its words, and the finished line is scrubbed of whatever looks like a token.
 */
import type { Clock } from "@codex-authd/shared";
import { type LevelWithSilent, pino } from "pino";

/** The fields a line may have besides `event` and `error`. None is ever a request, a response, or a body. */
const LOG_FIELDS = [
  "accountId",
  "caCertificateFile",
  "cause",
  "code",
  "codexHome",
  "count",
  "delayMs",
  "durationMs",
  "expiresAtMs",
  "flow",
  "generation",
  "issuer",
  "loginId",
  "method",
  "nextRefreshAtMs",
  "oauthError",
  "path",
  "pid",
  "port",
  "proxy",
  "reason",
  "signal",
  "state",
  "status",
  "version",
] as const;

/** One event. `event` is a stable `noun.happened` that tools may match on; the other fields are an allow-list. */
export type LogFields = {
  readonly event: `${string}.${string}`;
  readonly error?: unknown;
} & { readonly [Field in (typeof LOG_FIELDS)[number]]?: string | number | boolean | null | undefined };

/** What every layer logs through. */
export interface Log {
  fatal(fields: LogFields): void;
  error(fields: LogFields): void;
  warn(fields: LogFields): void;
  info(fields: LogFields): void;
  debug(fields: LogFields): void;
  trace(fields: LogFields): void;
}

export interface LogOptions {
  readonly level: LevelWithSilent;
  readonly clock: Clock;
  /** Takes whole lines. Default: stderr, written synchronously, so that a line before an exit is not lost. */
  readonly destination?: { write(line: string): void };
}

/** An error's causes are followed this far; deeper ones say nothing new, and a cycle would not end. */
const CAUSE_DEPTH_MAX = 4;

const MASK = "[redacted]";

/** What a secret looks like, whoever put it into a message. */
const SECRETS: readonly [RegExp, string][] = [
  // JWT and JWE, also without a signature.
  [/\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g, MASK],
  // Refresh tokens, personal access tokens and API keys of OpenAI.
  [/\b(?:rt[_.]|at-|sk-)[\w.-]{8,}/g, MASK],
  // User name and password of a URL, as a proxy's may have them.
  [/(:\/\/)[^\s/@"\\]+@/g, `$1${MASK}@`],
  [/\b(Bearer|Basic)\s+[^\s"\\]+/gi, `$1 ${MASK}`],
  // Queries and form bodies: code=, user_code=, code_verifier=, state=, refresh_token=…
  [/((?:code|code_verifier|state|token)=)[^&\s"'\\]+/gi, `$1${MASK}`],
  // JSON inside a message, its quotes escaped once or more.
  [/((?:code_verifier|authorization_code|_token|Token)\\*"\s*:\s*\\*")[^"\\]+/g, `$1${MASK}`],
];

/** Creates the log of a process. */
export function createLog({ level, clock, destination = stderr() }: LogOptions): Log {
  const scrubbing = { write: (line: string) => destination.write(scrubbed(line)) };
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    scrubbing,
  );
  const at = (name: Exclude<LevelWithSilent, "silent">) => (fields: LogFields) => {
    if (logger.isLevelEnabled(name)) logger[name](picked(fields));
  };
  return {
    fatal: at("fatal"),
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    trace: at("trace"),
  };
}

/** `text` with everything that looks like a token, an authorization code or a PKCE verifier masked. */
export function scrubbed(text: string): string {
  return SECRETS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}

function picked(fields: LogFields): Record<string, unknown> {
  const line: Record<string, unknown> = { event: fields.event };
  for (const field of LOG_FIELDS) {
    if (fields[field] !== undefined) line[field] = fields[field];
  }
  if (fields.error !== undefined) line.error = described(fields.error);
  return line;
}

/** Name, code, words and causes. Of the rest of an error nothing is taken: it may hold a request. */
function described(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === "string" ? { code } : {}),
    ...(error.stack === undefined || depth > 0 ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth === CAUSE_DEPTH_MAX
      ? {}
      : { cause: described(error.cause, depth + 1) }),
  };
}

function stderr(): { write(line: string): void } {
  const destination = pino.destination({ dest: 2, sync: true });
  // A closed stderr (EPIPE) must not end the daemon, and there is nowhere left to say so.
  destination.on("error", () => {});
  return destination;
}
