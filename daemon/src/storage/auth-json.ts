/**
 * The shape of upstream's auth.json, and its conversion to and from a {@link Grant}: the only file that knows the
 * names in it (codex-cli 0.169; see docs/compatibility.md). Everything we do not know survives a rewrite.
 */
import { randomBytes } from "node:crypto";
import { AUTH_MODES, AuthError, type AuthMode, fingerprint, Redacted } from "@codex-authd/shared";
import { z } from "zod";
import type { Grant, StoredCredential, StoredDescription } from "./grant-storage.js";
import { otherCredential } from "./other-credential.js";

const jwt = z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, "is not a JWT");

const tokens = z.looseObject({
  id_token: jwt,
  access_token: z.string().min(1),
  refresh_token: z.string(),
  oauth_provenance: z.looseObject({ issuer: z.string(), client_id: z.string() }).nullish(),
  login_owner_id: z.string().optional(),
  account_id: z.string().nullish(),
});

const authJson = z.looseObject({
  /** Another value makes Codex treat the file as unreadable. */
  auth_mode: z.enum(AUTH_MODES).nullish(),
  OPENAI_API_KEY: z.string().nullish(),
  tokens: tokens.nullish(),
  last_refresh: z.iso.datetime({ offset: true }).nullish(),
  agent_identity: z.unknown().optional(),
  personal_access_token: z.string().nullish(),
  bedrock_api_key: z.unknown().optional(),
  bedrock_access_keys: z.unknown().optional(),
});

/** A whole auth.json, unknown fields included. */
export type AuthJson = z.output<typeof authJson>;

/**
 * @throws AuthError ERR_STORAGE_CORRUPT naming the first field that is wrong, never its value
 */
export function parseAuthJson(text: string, path: string): AuthJson {
  const parsed = authJson.safeParse(parseJson(text, path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw corrupt(
    path,
    issue ? `its field "${issue.path.join(".")}" is missing or wrong (${issue.code})` : "it is wrong",
  );
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds tokens.
    throw corrupt(path, text.trim() === "" ? "it is empty" : "it is not JSON");
  }
}

function corrupt(path: string, what: string): AuthError {
  return new AuthError(
    "ERR_STORAGE_CORRUPT",
    `${path} cannot be understood: ${what}. Repair it, or run \`codex-auth login\` to replace it; a copy is kept.`,
  );
}

/** The mode that upstream takes the file for: `auth_mode`, else by what is present (codex-cli 0.169). */
export function effectiveAuthMode(document: AuthJson): AuthMode {
  if (document.auth_mode) return document.auth_mode;
  if (document.personal_access_token) return "personalAccessToken";
  if (document.bedrock_api_key) return "bedrockApiKey";
  if (document.bedrock_access_keys) return "bedrockAccessKeys";
  if (typeof document.OPENAI_API_KEY === "string") return "apikey";
  return "chatgpt";
}

/** What the file holds, in the terms of a session. A ChatGPT login without a refresh token cannot be managed. */
export function credentialFrom(document: AuthJson): StoredCredential {
  const authMode = effectiveAuthMode(document);
  const stored = document.tokens;
  if (authMode === "chatgpt" && !stored) return { kind: "absent" };
  if (authMode === "chatgpt" && stored?.refresh_token)
    return { kind: "managed", grant: grantFrom(document, stored) };
  return { kind: "other", ...otherCredential(document, authMode) };
}

/** What is in the document, whatever of it counts. */
export function descriptionOf(document: AuthJson): StoredDescription {
  return {
    mode: effectiveAuthMode(document),
    hasApiKey: Boolean(document.OPENAI_API_KEY),
    hasTokens: Boolean(document.tokens),
    hasLastRefresh: Boolean(document.last_refresh),
  };
}

function grantFrom(document: AuthJson, stored: z.output<typeof tokens>): Grant {
  return {
    idToken: new Redacted(stored.id_token),
    accessToken: new Redacted(stored.access_token),
    refreshToken: new Redacted(stored.refresh_token),
    accountId: stored.account_id ?? null,
    issuer: stored.oauth_provenance?.issuer ?? null,
    clientId: stored.oauth_provenance?.client_id ?? null,
    lastRefreshAtMs: document.last_refresh ? Date.parse(document.last_refresh) : null,
  };
}

/** Fingerprint of the refresh token in the file, or `null` without one. */
export function storedRefreshToken(document: AuthJson): string | null {
  const token = document.tokens?.refresh_token;
  return token ? fingerprint(token) : null;
}

/**
 * Which login a document holds, as far as it tells: the same one after any number of rotations, another one after the next
 * login (`null` when nothing tells: a Codex before 0.169 wrote no `login_owner_id`); and which tokens, by fingerprint.
 */
export function loginOf({ tokens: stored }: AuthJson): { login: string | null; tokens: string | null } {
  if (!stored) return { login: null, tokens: null };
  const { login_owner_id: owner, account_id: account, access_token, refresh_token } = stored;
  return {
    login: owner ? `${owner} ${account}` : null,
    tokens: `${fingerprint(access_token)} ${fingerprint(refresh_token)}`,
  };
}

/**
 * The document after a refresh: only what upstream replaces itself is replaced (`OPENAI_API_KEY`, `oauth_provenance`,
 * `login_owner_id`, `account_id` and every unknown field stay).
 */
export function withRefreshedTokens(document: AuthJson, grant: Grant): AuthJson {
  return {
    ...document,
    OPENAI_API_KEY: document.OPENAI_API_KEY ?? null,
    tokens: { ...document.tokens, account_id: document.tokens?.account_id ?? null, ...tokenFields(grant) },
    last_refresh: timestamp(grant),
  };
}

/**
 * The document after a login: the fields of the old credential go, unknown top-level fields stay. The order of the
 * fields is upstream's.
 */
export function withLogin(previous: AuthJson | undefined, grant: Grant): AuthJson {
  return {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      ...tokenFields(grant),
      ...(grant.issuer &&
        grant.clientId && { oauth_provenance: { issuer: grant.issuer, client_id: grant.clientId } }),
      login_owner_id: randomBytes(32).toString("base64url"),
      account_id: grant.accountId,
    },
    last_refresh: timestamp(grant),
    ...(previous && unknownFields(previous).top),
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** What upstream does not know and therefore drops (codex-cli 0.169): at the top level, and inside `tokens`. */
export interface UnknownFields {
  readonly top: Fields;
  readonly tokens: Fields;
}

export function unknownFields(document: AuthJson): UnknownFields {
  return { top: beyond(authJson.shape, document), tokens: beyond(tokens.shape, document.tokens ?? {}) };
}

export function withUnknownFields(document: AuthJson, { top, tokens }: UnknownFields): AuthJson {
  return { ...document, ...(document.tokens && { tokens: { ...document.tokens, ...tokens } }), ...top };
}

function beyond(shape: Fields, fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !Object.hasOwn(shape, name)));
}

function tokenFields(grant: Grant) {
  return {
    id_token: grant.idToken.reveal(),
    access_token: grant.accessToken.reveal(),
    refresh_token: grant.refreshToken.reveal(),
  };
}

/** RFC 3339 with nine fraction digits, as upstream writes it. */
function timestamp(grant: Grant): string {
  return new Date(grant.lastRefreshAtMs ?? 0).toISOString().replace("Z", "000000Z");
}

/** Two-space indent and no newline at the end, as upstream writes it. */
export function serializeAuthJson(document: AuthJson): string {
  return JSON.stringify(document, null, 2);
}
