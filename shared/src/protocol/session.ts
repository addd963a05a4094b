import { z } from "zod";
import { CHILD_KINDS } from "../auth-precedence.js";
import {
  ACCESS_TOKEN_KINDS,
  CHILD_ENVIRONMENT_VARIABLES,
  CONTAINER_MARKERS,
  SECRET_VARIABLES,
} from "../child-environment.js";
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
  present: z
    .array(z.enum(SECRET_VARIABLES))
    .max(SECRET_VARIABLES.length)
    .optional()
    .describe("The secret variables that are set, by name alone. Default: none."),
  accessTokenKind: z
    .enum(ACCESS_TOKEN_KINDS)
    .optional()
    .describe("What `CODEX_ACCESS_TOKEN` looks like, when it is present: `at-…`, or anything else."),
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

export const sessionExplainParams = sessionSelector.extend({
  for: z
    .enum(CHILD_KINDS)
    .optional()
    .describe(
      "Which kind of Codex process it is about: one that runs and ends, or an app-server. Default `exec`.",
    ),
});

const credential = {
  mode: z.string().describe("As `auth_mode` calls it, or `workloadIdentity`."),
  source: z.string().describe("The variable or the place it comes from."),
};

export const sessionExplainResult = z.object({
  codexHome: z.string(),
  for: z.enum(CHILD_KINDS),
  used: z.object(credential).nullable().describe("What the child would log in with; `null`: nothing."),
  reason: z.string().describe("Why that, or why nothing; for a person."),
  others: z
    .array(z.object({ ...credential, reason: z.string() }))
    .describe("What is there beside it, and why it is not used."),
  layers: z
    .array(
      z.object({
        source: z.enum(["system", "user", "project", "managed", "requirements"]),
        path: z.string(),
        state: z.enum(["read", "absent", "untrusted"]),
      }),
    )
    .describe("The files of Codex's own configuration that count here, lowest precedence first."),
  settings: z
    .array(
      z.object({
        key: z.string(),
        said: z.unknown().describe("As it is written; `null` when nobody says anything."),
        path: z.string().nullable().describe("The file that decides."),
      }),
    )
    .describe("What they say about logins."),
  configurationProblem: z.string().nullable().describe("Why the configuration cannot be used, in words."),
});
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
