/**
 * Which credential a Codex process would use, as codex-cli 0.169 decides it. Pure: of secrets it knows that they are there.
 * Tried row by row against the real binary (test/real-codex/precedence.test.ts).
 */
import type { AccessTokenKind, SecretVariable } from "./child-environment.js";

/** `exec`: any `codex` that runs and ends. `app-server`: what answers an IDE or a host; `codex login status` sees as much. */
export const CHILD_KINDS = ["app-server", "exec"] as const;

export type ChildKind = (typeof CHILD_KINDS)[number];

/** Upstream's `AuthMode`. */
export const AUTH_MODES = [
  "apikey",
  "chatgpt",
  "chatgptAuthTokens",
  "headers",
  "agentIdentity",
  "personalAccessToken",
  "bedrockApiKey",
  "bedrockAccessKeys",
] as const;

export type AuthMode = (typeof AUTH_MODES)[number];

/** What the store holds, whatever of it counts. */
export interface StoredFacts {
  /** Where, for a person: the path of auth.json, or "the keyring". */
  readonly place: string;
  /** As upstream takes the document: `auth_mode`, else by what is present. */
  readonly mode: AuthMode;
  readonly hasApiKey: boolean;
  readonly hasTokens: boolean;
  readonly hasLastRefresh: boolean;
  /** False when the workspace of the login is not among those that the configuration allows. */
  readonly isWorkspaceAllowed: boolean;
}

export interface CredentialFacts {
  readonly kind: ChildKind;
  readonly present: readonly SecretVariable[];
  readonly accessTokenKind?: AccessTokenKind | undefined;
  /** True when a host hands the login of a memory session to the child as external tokens. */
  readonly hasExternalTokens: boolean;
  /** `undefined`: nothing is stored, or nowhere. */
  readonly store: StoredFacts | undefined;
  /** The only method that the configuration allows. */
  readonly loginMethod?: "chatgpt" | "api" | undefined;
}

export interface Credential {
  readonly mode: AuthMode | "workloadIdentity";
  readonly source: string;
}

export interface CredentialChoice {
  /** `null`: the child is not logged in. */
  readonly used: Credential | null;
  /** Why that, or why nothing. */
  readonly reason: string;
  readonly others: readonly (Credential & { readonly reason: string })[];
}

/** `decides`: it is used. `fails`: it is what the child tries, to no avail. `skipped`: the child goes on to the next. */
interface Candidate extends Credential {
  readonly verdict: "decides" | "fails" | "skipped";
  readonly why: string;
}

/** The first candidate that is not skipped decides, and there is no way back from it to a later one. */
export function chooseCredential(facts: CredentialFacts): CredentialChoice {
  const candidates = [
    ...workloadIdentity(facts),
    ...apiKeyOfEnvironment(facts),
    ...externalTokens(facts),
    ...accessTokenOfEnvironment(facts),
    ...stored(facts),
    ...openAiKeyOfEnvironment(facts),
  ].map((candidate) => underPolicy(candidate, facts));
  const first = candidates.find(({ verdict }) => verdict !== "skipped");
  const others = candidates
    .filter((candidate) => candidate !== first)
    .map(({ mode, source, verdict, why }) => ({
      mode,
      source,
      reason: verdict === "decides" ? `${first?.source} comes first` : why,
    }));
  if (!first) return { used: null, reason: "there is no credential that this child looks at", others };
  const { mode, source, verdict, why } = first;
  if (verdict === "fails") return { used: null, reason: `${source}: ${why}`, others };
  return { used: { mode, source }, reason: why, others };
}

function* workloadIdentity({ present }: CredentialFacts): Generator<Candidate> {
  const pair = ["OPENAI_FEDERATION_RULE_ID", "OPENAI_IDENTITY_TOKEN_FILE"] as const;
  const [name, other] = pair.filter((variable) => present.includes(variable));
  if (!name) return;
  const missing = pair.find((variable) => !present.includes(variable));
  yield {
    mode: "workloadIdentity",
    source: other ? `${name} and ${other}` : name,
    ...(missing
      ? { verdict: "fails", why: `it is set without ${missing}, and Codex ends over that` }
      : { verdict: "decides", why: "the identity of the workload comes before everything else" }),
  };
}

function* apiKeyOfEnvironment({ kind, present }: CredentialFacts): Generator<Candidate> {
  if (!present.includes("CODEX_API_KEY")) return;
  yield {
    mode: "apikey",
    source: "CODEX_API_KEY",
    ...(kind === "exec"
      ? { verdict: "decides", why: "`codex exec` takes this key before any login" }
      : { verdict: "skipped", why: "an app-server does not look at it" }),
  };
}

function* externalTokens({ kind, hasExternalTokens }: CredentialFacts): Generator<Candidate> {
  if (!hasExternalTokens) return;
  yield {
    mode: "chatgptAuthTokens",
    source: "the daemon's memory",
    ...(kind === "app-server"
      ? { verdict: "decides", why: "its host hands it over as external tokens" }
      : { verdict: "skipped", why: "external tokens can only be handed to an app-server" }),
  };
}

/** When it turns out to be bad, the child is not logged in: there is no way back to the store. */
function* accessTokenOfEnvironment({ present, accessTokenKind }: CredentialFacts): Generator<Candidate> {
  if (!present.includes("CODEX_ACCESS_TOKEN")) return;
  const mode = accessTokenKind ?? "personalAccessToken";
  const what =
    mode === "agentIdentity"
      ? "it does not begin with at-, so it is taken for an agent's JWT"
      : "it begins with at-";
  yield {
    mode,
    source: "CODEX_ACCESS_TOKEN",
    verdict: "decides",
    why: `it comes before what is stored, also when it turns out to be bad; ${what}`,
  };
}

function* openAiKeyOfEnvironment({ present }: CredentialFacts): Generator<Candidate> {
  if (!present.includes("OPENAI_API_KEY")) return;
  yield {
    mode: "apikey",
    source: "OPENAI_API_KEY of the environment",
    verdict: "skipped",
    why: "Codex does not log in with it",
  };
}

function* stored({ store }: CredentialFacts): Generator<Candidate> {
  if (!store) return;
  const { mode, place, hasApiKey, hasTokens } = store;
  yield { mode, source: place, ...verdictOnStored(store) };
  if (hasApiKey && mode !== "apikey") {
    yield notCounted(
      "apikey",
      `OPENAI_API_KEY in ${place}`,
      `what is stored counts as a login of mode ${mode}`,
    );
  }
  if (hasTokens && mode === "apikey") {
    yield notCounted(
      "chatgpt",
      `the tokens in ${place}`,
      "what is stored counts as a login with its API key",
    );
  }
}

function notCounted(mode: AuthMode, source: string, why: string): Candidate {
  return { mode, source, verdict: "skipped", why };
}

function verdictOnStored(store: StoredFacts): Pick<Candidate, "verdict" | "why"> {
  const fails = (why: string) => ({ verdict: "fails", why }) as const;
  switch (store.mode) {
    case "apikey":
      return store.hasApiKey
        ? { verdict: "decides", why: "it is the stored login, and counts as one with an API key" }
        : fails("it counts as a login with an API key, and has none");
    case "chatgpt":
    case "chatgptAuthTokens":
      if (!store.hasTokens) return fails("it counts as a ChatGPT login, and has no tokens");
      if (!store.hasLastRefresh) return fails("it has no last_refresh, without which Codex uses no token");
      return { verdict: "decides", why: "it is the stored login" };
    case "headers":
      return fails("Codex loads no credential of mode headers from a store");
    case "bedrockApiKey":
    case "bedrockAccessKeys":
      return {
        verdict: "decides",
        why: "it is the stored login, for the model provider Amazon Bedrock alone",
      };
    default:
      return { verdict: "decides", why: "it is the stored login" };
  }
}

const API_MODES: readonly string[] = ["apikey", "bedrockApiKey", "bedrockAccessKeys"];

/** True when upstream counts the mode as a login with an API key; every other is one with ChatGPT. */
export function isApiMode(mode: string): boolean {
  return API_MODES.includes(mode);
}

/** A run ends over a credential that is not allowed; an app-server passes over one of the wrong method. */
function underPolicy(candidate: Candidate, { kind, loginMethod, store }: CredentialFacts): Candidate {
  if (candidate.verdict !== "decides" || candidate.mode === "workloadIdentity") return candidate;
  if (loginMethod && (loginMethod === "api") !== isApiMode(candidate.mode)) {
    const why = `the configuration allows logins of the method "${loginMethod}" only`;
    return { ...candidate, verdict: kind === "exec" ? "fails" : "skipped", why };
  }
  const isOfOtherWorkspace = candidate.source === store?.place && !store.isWorkspaceAllowed;
  if (!isOfOtherWorkspace || isApiMode(candidate.mode)) return candidate;
  return { ...candidate, verdict: "fails", why: "the configuration does not allow its workspace" };
}
