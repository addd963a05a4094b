/** The sentences with which a session refuses: what happened, and what to do next. */
import { AuthError, type EpochMs } from "@codex-authd/shared";
import type { OtherCredential } from "../storage/grant-storage.js";
import type { ReauthorizationRequired, SignedOut } from "./state.js";

const REASONS: Readonly<Record<SignedOut["reason"], string>> = {
  noLogin: "There is no login",
  loggedOut: "This session was logged out",
  fileGone: "The login was removed by another process",
  otherCredential: "Another kind of credential is stored",
  unreadable: "What is stored cannot be read",
  endedWithDaemon: "This memory login ended with the daemon that held it",
};

const AS_IT_IS = "It needs no refresh: use it as it is";

/** By upstream's modes: what is there, and what its owner can do with it. */
const NOT_MANAGED: Readonly<Record<string, { readonly what: string; readonly advice: string }>> = {
  agentIdentity: { what: "the identity of an agent", advice: "Codex signs with it by itself" },
  apikey: { what: "an API key", advice: AS_IT_IS },
  bedrockAccessKeys: { what: "access keys of Amazon Bedrock", advice: AS_IT_IS },
  bedrockApiKey: { what: "an API key of Amazon Bedrock", advice: AS_IT_IS },
  chatgpt: {
    what: "a ChatGPT login without a refresh token",
    advice: "It serves until its access token expires",
  },
  chatgptAuthTokens: {
    what: "external tokens",
    advice: "Whoever put them there keeps them fresh: ask there for a new one",
  },
  personalAccessToken: { what: "a personal access token", advice: AS_IT_IS },
};

function notManaged({ authMode }: OtherCredential): { readonly what: string; readonly advice: string } {
  return (
    NOT_MANAGED[authMode] ?? { what: "a credential", advice: "Codex loads none of this mode from a store" }
  );
}

/** Why there is no usable login, in words for `status`. */
export function reasonOf(state: SignedOut | ReauthorizationRequired): string {
  if (state.kind === "reauthorizationRequired") return state.failure.error.message;
  if (state.failure) return state.failure.error.message;
  if (state.other) {
    const { what, advice } = notManaged(state.other);
    return `${REASONS.otherCredential}: ${what}. ${advice}.`;
  }
  return `${REASONS[state.reason]}.`;
}

/** The reason of a memory login, told while its daemon is stopping. */
export function endsWithDaemon(name: string): string {
  return `This memory login ends with the daemon. Once it is back, run \`${loginCommand(name)}\`.`;
}

function loginCommand(name: string | null): string {
  return name === null ? "codex-auth login" : `codex-auth login --memory ${name}`;
}

/** Which session it is about. */
interface SessionPlace {
  readonly codexHome: string;
  /** Of a memory session, else `null`. */
  readonly name: string | null;
}

/** What a caller who wants a token, or a newer one, is told. */
export function refusalOf(state: SignedOut, { codexHome, name }: SessionPlace): AuthError {
  if (state.failure) return state.failure.error;
  if (state.other) {
    const { what, advice } = notManaged(state.other);
    return new AuthError(
      "ERR_NOT_MANAGED",
      `${codexHome} holds ${what} (mode "${state.other.authMode}"), which the daemon neither hands out nor refreshes. ` +
        `${advice}, or run \`codex-auth login\` to replace it.`,
    );
  }
  const words = name === null ? `${REASONS[state.reason]} in ${codexHome}` : REASONS[state.reason];
  return new AuthError("ERR_LOGIN_REQUIRED", `${words}. Run \`${loginCommand(name)}\`.`);
}

export function issuerNotTrusted(issuer: string): AuthError {
  return new AuthError(
    "ERR_ISSUER_NOT_TRUSTED",
    `The stored login names the issuer ${issuer}, which the configuration does not trust, so nothing is sent there. ` +
      "Add it to `trusted_issuers` in config.toml if it is yours, or run `codex-auth login`.",
  );
}

export function notOurs(ownership: "elsewhere" | "unlockable"): AuthError {
  const why =
    ownership === "elsewhere"
      ? "another codex-authd refreshes this login, and this one serves what it reads. Ask that one, or stop it"
      : "its state folder cannot be used or has no file locks (or koffi is not installed), so nobody can be sure to be the only " +
        "one who refreshes. Mend the folder that `codex-authd` logs, or install the optional dependencies";
  return new AuthError("ERR_NOT_MANAGED", `This daemon does not refresh: ${why}.`);
}

export function refreshUnanswered(startedAtMs: EpochMs): AuthError {
  return new AuthError(
    "ERR_ISSUER_UNAVAILABLE",
    `The daemon ended in the middle of a refresh (begun ${new Date(startedAtMs).toISOString()}), so the refresh token may be ` +
      "spent. The access token is served until it expires; run `codex-auth login` to be sure.",
  );
}

export function spentBefore(): AuthError {
  return new AuthError(
    "ERR_REFRESH_REJECTED",
    "The stored refresh token was spent or refused before, and what came after it is not known. The access " +
      "token is served until it expires. Run `codex-auth login`.",
  );
}

export function accountMismatch(): AuthError {
  return new AuthError(
    "ERR_ACCOUNT_MISMATCH",
    "The session belongs to another account than the one you named. Run `codex-auth status` to see which, and start again with it.",
  );
}

export function refreshedTooOften(nowMs: EpochMs, allowedAtMs: EpochMs): AuthError {
  const seconds = Math.ceil((allowedAtMs - nowMs) / 1000);
  return new AuthError(
    "ERR_RATE_LIMITED",
    `The token was refreshed a moment ago. Use the one you get from \`codex-auth token\`, or refresh again in ${seconds} s.`,
    { retryAfterMs: allowedAtMs - nowMs },
  );
}

export function noAnswerYet(waitedMs: number): AuthError {
  return new AuthError(
    "ERR_ISSUER_UNAVAILABLE",
    `The refresh has not ended within ${waitedMs / 1000} s. It goes on; ask again in some seconds.`,
    { retryAfterMs: waitedMs },
  );
}

export function noNewerToken(): AuthError {
  return new AuthError(
    "ERR_ISSUER_UNAVAILABLE",
    "There is no newer token than the one you have, and none can be fetched just now. Ask again in some seconds.",
    { retryAfterMs: 5_000 },
  );
}
