/** What Codex's own configuration allows a login to be, checked before anything is begun and before anything is stored. */
import { AuthError } from "@codex-authd/shared";
import type { CodexConfig } from "../codex/codex-config.js";
import type { Grant } from "../storage/grant-storage.js";

interface PlannedLogin {
  readonly codexHome: string;
  readonly storage?: "auto" | "file" | "memory" | undefined;
}

/**
 * @throws AuthError ERR_CONFIG_INVALID when Codex is told to use API keys only, or to keep logins in no store at all:
 *   such a login would be thrown away or never be seen by Codex
 */
export function assertLoginAllowed(policy: CodexConfig, { codexHome, storage = "auto" }: PlannedLogin): void {
  if (policy.forcedLoginMethod === "api") {
    const cure = "Log in with an API key: `codex login --with-api-key`.";
    throw refused(codexHome, 'forced_login_method = "api"', cure);
  }
  if (policy.credentialsStore === "ephemeral" && storage === "auto") {
    const cure =
      'Set it to "file", "keyring" or "auto", or log in with --memory: Codex would not see another login.';
    throw refused(codexHome, 'cli_auth_credentials_store = "ephemeral"', cure);
  }
}

/**
 * @throws AuthError ERR_WORKSPACE_NOT_ALLOWED when the login is for another workspace than `forced_chatgpt_workspace_id` names
 */
export function assertWorkspaceAllowed({ allowedWorkspaceIds }: CodexConfig, grant: Grant): void {
  if (!allowedWorkspaceIds) return;
  if (grant.accountId !== null && allowedWorkspaceIds.includes(grant.accountId)) return;
  throw new AuthError(
    "ERR_WORKSPACE_NOT_ALLOWED",
    `Login is restricted to workspace id(s) ${allowedWorkspaceIds.join(", ")}, but this one is for ${grant.accountId ?? "none"}. ` +
      "Nothing was stored. Log in with an account of the allowed workspace.",
  );
}

function refused(codexHome: string, setting: string, cure: string): AuthError {
  return new AuthError("ERR_CONFIG_INVALID", `${codexHome}/config.toml says ${setting}. ${cure}`);
}
