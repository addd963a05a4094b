import { z } from "zod";
import { CHILD_ENVIRONMENT_VARIABLES } from "../child-environment.js";
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
});

/** Names the session: `codexHome` first, else the child environment's, else the default session. */
export const sessionSelector = z.strictObject({
  codexHome: absolutePath.optional(),
  childEnvironment: childEnvironment.optional(),
  /** Default `auto`: as `cli_auth_credentials_store` of the Codex home says. `memory`: nothing on disk. */
  storage: z.enum(["auto", "file", "memory"]).optional(),
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

export const sessionStatus = z.object({
  /** For a memory session the one whose `config.toml` its login had to keep. */
  codexHome: z.string(),
  storage: storageKind,
  /** Name of a memory session, else `null`. */
  sessionName: z.string().nullable(),
  state: z.enum(["signedOut", "active", "reauthorizationRequired"]),
  /** Why there is no usable login, in words; `null` while active. */
  reason: z.string().nullable(),
  generation: z.number().int(),
  /** `auth_mode` as upstream would read it from auth.json; `null` without one. */
  authMode: z.string().nullable(),
  accountId: z.string().nullable(),
  email: z.string().nullable(),
  planType: z.enum(PLAN_TYPES).nullable(),
  issuer: z.string().nullable(),
  /** How the daemon made this login; `null` when another process did. */
  flow: loginFlow.nullable(),
  expiresAtMs: epochMs.nullable(),
  lastRefreshAtMs: epochMs.nullable(),
  nextRefreshAtMs: epochMs.nullable(),
  refreshInFlight: z.boolean(),
  /** `pending`: a new token is in memory only, and its write is being retried. */
  storageState: z.enum(["stored", "pending"]),
  lastError: lastError.nullable(),
  warnings: z.array(z.string()),
});

export const sessionStatusParams = sessionSelector;
export const sessionListParams = z.strictObject({});
export const sessionListResult = z.object({ sessions: z.array(sessionStatus) });

export const sessionRefreshParams = sessionSelector.extend({
  /** Fingerprint of the access token that was refused; a newer one is then simply returned, without an exchange. */
  rejectedToken: tokenFingerprint.optional(),
});

export const sessionLogoutParams = sessionSelector.extend({
  /** Also revoke at the issuer, which signs out every machine that shares this login. Default false. */
  revoke: z.boolean().optional(),
});
export const sessionLogoutResult = z.object({
  /** False when there was nothing to forget. */
  loggedOut: z.boolean(),
  /** True when the issuer confirmed the revocation. */
  revoked: z.boolean(),
  /** Why a revocation that was asked for did not happen. The local logout is done all the same. */
  revocationError: z.string().nullable(),
});
