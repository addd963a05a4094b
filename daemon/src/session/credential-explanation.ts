/** Which credential a Codex process of a caller would use, and which configuration counts for it. Changes nothing. */
import { join } from "node:path";
import {
  AuthError,
  type ChildKind,
  chooseCredential,
  type MethodResult,
  type StoredFacts,
} from "@codex-authd/shared";
import { type CodexConfig, loadCodexConfig } from "../codex/codex-config.js";
import type { SessionSelector } from "../codex/codex-home.js";
import type { ConfigPlace } from "../codex/config-layers.js";
import { isWorkspaceAllowed } from "./login-policy.js";
import type { Session } from "./session.js";
import type { Sessions } from "./sessions.js";

interface Question extends SessionSelector {
  /** Default `exec`. */
  readonly for?: ChildKind | undefined;
}

type Explanation = MethodResult<"session/explain">;

/** A configuration or a store that cannot be used is part of the answer. */
export async function explainCredential(sessions: Sessions, question: Question): Promise<Explanation> {
  const { for: kind = "exec", ...selector } = question;
  const session = await sessions.open(selector);
  const stored = await sessions.open({ ...selector, storage: "auto" });
  const place = sessions.configPlaceOf(selector);
  const config = readConfig(place);
  const common = { codexHome: place.codexHome, for: kind };
  if (config instanceof AuthError) return { ...common, ...unusable(config) };
  const { present = [], accessTokenKind } = selector.childEnvironment ?? {};
  const store = await storedFacts(stored, config).catch(asAuthError);
  const { used, reason, others } = chooseCredential({
    kind,
    present,
    accessTokenKind,
    hasExternalTokens: session.endsWithDaemon,
    store: store instanceof AuthError ? undefined : store,
    loginMethod: config.loginMethod.value,
  });
  return {
    ...common,
    used,
    reason: used === null && store instanceof AuthError ? store.message : reason,
    others: [...others],
    layers: [...config.layers],
    settings: settingsOf(config),
    configurationProblem: null,
  };
}

/** Codex ends over a configuration that it does not understand, whatever credential there is. */
function unusable({ message }: AuthError): Omit<Explanation, "codexHome" | "for"> {
  return { used: null, reason: message, others: [], layers: [], settings: [], configurationProblem: message };
}

function readConfig(place: ConfigPlace): CodexConfig | AuthError {
  try {
    return loadCodexConfig(place);
  } catch (error) {
    return asAuthError(error);
  }
}

/**
 * @throws AuthError ERR_STORAGE_CORRUPT, ERR_STORAGE_UNAVAILABLE
 */
async function storedFacts(session: Session, config: CodexConfig): Promise<StoredFacts | undefined> {
  const { storage, codexHome, accountId } = await session.freshStatus();
  const description = await session.describeStore();
  // Codex reads no store then; where we keep a login all the same, it sees nothing of it.
  if (!description || config.credentialsStore.value === "ephemeral") return undefined;
  return {
    ...description,
    place: storage === "keyring" ? "the keyring" : join(codexHome, "auth.json"),
    isWorkspaceAllowed: isWorkspaceAllowed(config.workspaceIds.value, accountId),
  };
}

function settingsOf(config: CodexConfig): Explanation["settings"] {
  const { credentialsStore, loginMethod, workspaceIds, chatgptBaseUrl } = config;
  return [credentialsStore, loginMethod, workspaceIds, chatgptBaseUrl].map(({ key, said = null, path }) => ({
    key,
    said,
    path,
  }));
}

function asAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  throw error;
}
