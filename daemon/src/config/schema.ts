/**
 * config.toml as it is written: every key, its unit, its bounds and its default. docs/configuration.md is the same table
 * in prose, and a test holds the two together.
 */
import { isAbsolute } from "node:path";
import { Redacted } from "@codex-authd/shared";
import { z } from "zod";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** RFC 6749 appendix A.1 allows a client_id these characters and the space, which no real one has. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

const absolutePath = z.string().refine(isAbsolute, "must be an absolute path");
const visibleAscii = z.string().regex(VISIBLE_ASCII, "must be one or more visible ASCII characters");

/** A program and its arguments, which no shell reads. */
const command = z
  .array(z.string(), "must be a list of a program and its arguments")
  .refine(([program]) => program !== undefined && isAbsolute(program), "must begin with an absolute path");

const issuer = z.string().transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const complaint = issuerComplaint(url);
  if (url && !complaint) return normalisedIssuer(url);
  context.addIssue({ code: "custom", message: complaint ?? "must be a URL" });
  return z.NEVER;
});

const port = z.int("must be a whole number").min(0, "must be 0 to 65535").max(65_535, "must be 0 to 65535");

/** It may hold a password, so it is a secret from the start. */
const proxy = z.string("must be the URL of a proxy").transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return new Redacted(value);
  context.addIssue({ code: "custom", message: "must be an http:// or https:// URL" });
  return z.NEVER;
});

/** The strict schema of config.toml. All keys may be left out; {@link SETTING_DEFAULTS} says what then holds. */
export const settingsSchema = z.strictObject({
  audit: z
    .boolean("must be true or false")
    .optional()
    .describe("Keep a trail of who took a token or changed a login, in `audit.jsonl` of the state folder."),
  ca_certificate_file: absolutePath
    .optional()
    .describe(
      "PEM file whose certificates are trusted beside the system's roots, for every session, as an absolute path.",
    ),
  callback_fallback_port: port
    .min(1, "must be 1 to 65535")
    .optional()
    .describe("Port that is tried when `callback_port` cannot be had."),
  callback_port: port
    .optional()
    .describe(
      "Port of the loopback redirect of a browser login; 0 takes any free port (RFC 8252 section 7.3).",
    ),
  client_id: visibleAscii.optional().describe("OAuth client that logins are made for."),
  codex_home: absolutePath.optional().describe("Codex home of the default session, as an absolute path."),
  hook_command: command
    .optional()
    .describe(
      "Program, as an absolute path, and its arguments, run without a shell when a login is needed or cannot be written.",
    ),
  http_proxy: proxy.optional().describe("Proxy for `http://` issuers, for every session."),
  https_proxy: proxy
    .optional()
    .describe(
      "Proxy for `https://` issuers, for every session: `http://` or `https://`, with a user name and password if need be.",
    ),
  idle_exit_seconds: z
    .int("must be a whole number")
    .nonnegative("must be 0 or more")
    .optional()
    .describe("The daemon ends when it had nothing to do for so long; 0 never."),
  issuer: issuer
    .optional()
    .describe(
      "Issuer that logins are made at: `https://`, or `http://` on loopback. No caller can change it.",
    ),
  log_level: z
    .enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`)
    .optional()
    .describe("The least level that is logged."),
  no_proxy: z
    .string("must be a list of hosts, separated by commas")
    .optional()
    .describe(
      "Hosts that are reached without a proxy, separated by commas, for every session; `*`: all of them.",
    ),
  notify: z
    .boolean("must be true or false")
    .optional()
    .describe(
      "Show a desktop notification when a login is needed or cannot be written, where there is a desktop.",
    ),
  originator: visibleAscii
    .optional()
    .describe("`originator` of the authorization request, as Codex sends it."),
  redirect_host: z
    .enum(["localhost", "127.0.0.1"], "must be localhost or 127.0.0.1")
    .optional()
    .describe("Host in the redirect URI of a browser login. The listener is on loopback either way."),
  socket: absolutePath
    .optional()
    .describe("Where the daemon listens: an absolute path of at most 103 bytes."),
  trusted_issuers: z
    .array(issuer, "must be a list of issuers")
    .optional()
    .describe("Further issuers that a refresh token in an existing auth.json may be sent to."),
});

/** Settings after validation: issuers normalised, everything optional. */
export type Settings = z.output<typeof settingsSchema>;
export type SettingName = keyof Settings;

/** What holds where nobody says otherwise. `callback_fallback_port`, `codex_home` and `socket` depend on other things: see `loadConfig`. */
export const SETTING_DEFAULTS = {
  audit: true,
  callback_port: 1455,
  client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
  idle_exit_seconds: 0,
  issuer: "https://auth.openai.com",
  log_level: "info",
  notify: true,
  originator: "codex_cli_rs",
  redirect_host: "localhost",
  trusted_issuers: [],
} as const satisfies Settings;

function issuerComplaint(url: URL | undefined): string | undefined {
  if (!url) return "must be a URL";
  if (url.username || url.password) return "must not hold a user name or password";
  if (/[?#]/.test(url.href)) return "must not have a query or a fragment";
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return undefined;
  return "must be https://, or http:// on loopback";
}

/** The comparison of RFC 8414 section 3.3 is by characters, so one spelling is settled on: without a trailing slash. */
function normalisedIssuer(url: URL): string {
  return url.href.replace(/\/+$/, "");
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
