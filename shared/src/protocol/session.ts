import { z } from "zod";
import { CHILD_ENVIRONMENT_VARIABLES, CONTAINER_MARKERS } from "../child-environment.js";
import { PLAN_TYPES } from "../plan-type.js";

/** Longest path or variable taken from a caller: PATH_MAX on Linux. */
const STRING_MAX = 4096;

/** A NUL byte ends a path for the system, and is refused by Node as a bug of ours. */
const absolutePath = z
  .string()
  .max(STRING_MAX)
  .regex(/^\/[^\0]*$/, "must be an absolute path");
const epochMs = z.number().int().nonnegative();

export const childEnvironment = z.strictObject({
  cwd: absolutePath,
  variables: z.partialRecord(z.enum(CHILD_ENVIRONMENT_VARIABLES), z.string().max(STRING_MAX)),
  platform: z
    .string()
    .max(32)
    .optional()
    .describe("`process.platform` of the caller, such as `linux` or `darwin`. Default: the daemon's."),
  markers: z
    .array(z.enum(CONTAINER_MARKERS))
    .max(CONTAINER_MARKERS.length)
    .optional()
    .describe("The files of container engines that the caller sees. Default: none."),
});

/** Names the session: `codexHome` first, else the child environment's, else the default session. */
export const sessionSelector = z.strictObject({
  codexHome: absolutePath.optional(),
  childEnvironment: childEnvironment.optional(),
  storage: z
    .enum(["auto", "file", "memory"])
    .optional()
    .describe(
      "Default `auto`: as `cli_auth_credentials_store` of the Codex home says. `memory`: nothing on disk.",
    ),
  /** Tells memory sessions apart; ignored by the other kinds. Default `default`. */
  sessionName: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores")
    .optional(),
});

/** SHA-256 of a token in lower-case hex, as `fingerprint` makes it. */
export const tokenFingerprint = z.string().regex(/^[0-9a-f]{64}$/, "must be the SHA-256 of a token in hex");

export const storageKind = z.enum(["file", "keyring", "memory"]);
export const loginFlow = z.enum(["browser", "device"]);

const lastError = z.object({
  code: z.string(),
  message: z.string(),
  oauthError: z.string().optional(),
  atMs: epochMs,
});

const network = z
  .object({
    caCertificateFile: z
      .string()
      .nullable()
      .describe("PEM file, as an absolute path, whose certificates are trusted beside the system's roots."),
    caCertificateSource: z
      .string()
      .nullable()
      .describe("The variable, or the key of config.toml, that named it."),
    proxy: z
      .string()
      .nullable()
      .describe(
        "Scheme, host and port of the proxy that requests to the issuer go through; `null` without one.",
      ),
    proxySource: z.string().nullable().describe("The variable, or the key of config.toml, that named it."),
    noProxy: z.string().nullable().describe("What is reached without a proxy, as `NO_PROXY` lists it."),
  })
  .describe("How requests leave the machine: as config.toml says, else as the login was bound. No password.");

export const sessionStatus = z.object({
  codexHome: z.string().describe("For a memory session the one whose `config.toml` its login had to keep."),
  storage: storageKind,
  sessionName: z.string().nullable().describe("Name of a memory session, else `null`."),
  state: z.enum(["signedOut", "active", "reauthorizationRequired"]),
  reason: z.string().nullable().describe("Why there is no usable login, in words; `null` while active."),
  generation: z.number().int(),
  authMode: z
    .string()
    .nullable()
    .describe("`auth_mode` as upstream would read it from auth.json; `null` without one."),
  accountId: z.string().nullable(),
  email: z.string().nullable(),
  planType: z.enum(PLAN_TYPES).nullable(),
  issuer: z.string().nullable(),
  network,
  flow: loginFlow.nullable().describe("How the daemon made this login; `null` when another process did."),
  expiresAtMs: epochMs.nullable(),
  lastRefreshAtMs: epochMs.nullable(),
  nextRefreshAtMs: epochMs.nullable(),
  refreshInFlight: z.boolean(),
  storageState: z
    .enum(["stored", "pending"])
    .describe("`pending`: a new token is in memory only, and its write is being retried."),
  lastError: lastError.nullable(),
  warnings: z.array(z.string()),
});

export const sessionStatusParams = sessionSelector;
export const sessionListParams = z.strictObject({});
export const sessionListResult = z.object({ sessions: z.array(sessionStatus) });

export const sessionRefreshParams = sessionSelector.extend({
  rejectedToken: tokenFingerprint
    .optional()
    .describe(
      "Fingerprint of the access token that was refused; a newer one is then simply returned, without an exchange.",
    ),
});

export const sessionLogoutParams = sessionSelector.extend({
  revoke: z
    .boolean()
    .optional()
    .describe(
      "Also revoke at the issuer, which signs out every machine that shares this login. Default false.",
    ),
});
export const sessionLogoutResult = z.object({
  loggedOut: z.boolean().describe("False when there was nothing to forget."),
  revoked: z.boolean().describe("True when the issuer confirmed the revocation."),
  revocationError: z
    .string()
    .nullable()
    .describe("Why a revocation that was asked for did not happen. The local logout is done all the same."),
});
