/** What Codex's own configuration allows a login to be, checked before anything is begun and before anything is stored. */
import { AuthError, isApiMode, type SessionStatus } from "@codex-authd/shared";
import { type CodexConfig, loadCodexConfig, type Setting } from "../codex/codex-config.js";
import type { ConfigPlace } from "../codex/config-layers.js";
import type { Grant } from "../storage/grant-storage.js";

interface PlannedLogin {
  readonly storage?: "auto" | "file" | "memory" | undefined;
}

/**
 * @throws AuthError ERR_CONFIG_INVALID when Codex is told to use API keys only, or to keep logins in no store at all:
 *   such a login would be thrown away or never be seen by Codex
 */
export function assertLoginAllowed(policy: CodexConfig, { storage = "auto" }: PlannedLogin): void {
  const { loginMethod, credentialsStore } = policy;
  if (loginMethod.value === "api") {
    throw refused(loginMethod, "Log in with an API key: `codex login --with-api-key`.");
  }
  if (credentialsStore.value === "ephemeral" && storage === "auto") {
    const cure =
      'Set it to "file", "keyring" or "auto", or log in with --memory: Codex would not see another login.';
    throw refused(credentialsStore, cure);
  }
}

/**
 * @throws AuthError ERR_WORKSPACE_NOT_ALLOWED when the login is for another workspace than the configuration allows
 */
export function assertWorkspaceAllowed({ workspaceIds }: CodexConfig, grant: Grant): void {
  if (isWorkspaceAllowed(workspaceIds.value, grant.accountId)) return;
  throw new AuthError(
    "ERR_WORKSPACE_NOT_ALLOWED",
    `Login is restricted to workspace id(s) ${workspaceIds.value?.join(", ")} (${workspaceIds.key} in ${workspaceIds.path}), ` +
      `but this one is for ${grant.accountId ?? "none"}. Nothing was stored. Log in with an account of the allowed workspace.`,
  );
}

/**
 * The status with what a person should know of a login that is stored and breaks the policy of the folder that they are in.
 * It is left alone: a `codex exec` there is what logs it out.
 */
export function withPolicyWarnings(status: SessionStatus, place: ConfigPlace): SessionStatus {
  if (status.authMode === null) return status;
  return { ...status, warnings: [...status.warnings, ...policyWarnings(status, place)] };
}

function policyWarnings(status: SessionStatus, place: ConfigPlace): string[] {
  try {
    return [...brokenRules(loadCodexConfig(place), status)];
  } catch (error) {
    if (error instanceof AuthError) return [error.message];
    throw error;
  }
}

function* brokenRules(
  { loginMethod, workspaceIds, credentialsStore }: CodexConfig,
  { authMode, accountId, sessionName }: SessionStatus,
): Generator<string> {
  const method = isApiMode(authMode ?? "") ? "api" : "chatgpt";
  if (loginMethod.value && loginMethod.value !== method) {
    yield `${words(loginMethod)}, and this login is another one. ${consequence(loginMethod)}`;
  } else if (method === "chatgpt" && !isWorkspaceAllowed(workspaceIds.value, accountId)) {
    yield `${words(workspaceIds)}, and this login is for ${accountId ?? "none"}. ${consequence(workspaceIds)}`;
  }
  if (credentialsStore.value === "ephemeral" && sessionName === null) {
    yield `${words(credentialsStore)}: Codex does not see this login here.`;
  }
}

export function isWorkspaceAllowed(
  allowed: readonly string[] | undefined,
  accountId: string | null,
): boolean {
  return allowed === undefined || (accountId !== null && allowed.includes(accountId));
}

/** What the administrator demands makes upstream ignore a login; its configuration makes it log out. */
function consequence({ key }: Setting<unknown>): string {
  return key.startsWith("allowed_")
    ? "Codex does not use it here."
    : "Codex does not use it here, and `codex exec` logs it out.";
}

function words({ key, said, path }: Setting<unknown>): string {
  return `${path} says ${key} = ${JSON.stringify(said)}`;
}

function refused(setting: Setting<unknown>, cure: string): AuthError {
  return new AuthError("ERR_CONFIG_INVALID", `${words(setting)}. ${cure}`);
}
