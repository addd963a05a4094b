/** What upstream's own `config.toml` says about logins (codex-cli 0.169): policy that a login of ours has to keep. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AuthError } from "@codex-authd/shared";
import { parse } from "smol-toml";
import { z } from "zod";

const codexConfig = z.looseObject({
  cli_auth_credentials_store: z.enum(["file", "keyring", "auto", "ephemeral"]).default("file"),
  forced_login_method: z.enum(["chatgpt", "api"]).optional(),
  forced_chatgpt_workspace_id: z.union([z.string().transform((id) => [id]), z.array(z.string())]).optional(),
});

export interface CodexConfig {
  readonly credentialsStore: "file" | "keyring" | "auto" | "ephemeral";
  readonly forcedLoginMethod: "chatgpt" | "api" | undefined;
  /** The only workspaces that a login may be for; `undefined`: any. */
  readonly allowedWorkspaceIds: readonly string[] | undefined;
}

/**
 * Reads `config.toml` of a Codex home; a missing one says nothing.
 * @throws AuthError ERR_CONFIG_INVALID when it cannot be read or understood: a policy nobody can read is not ignored
 */
export function loadCodexConfig(codexHome: string): CodexConfig {
  const path = join(codexHome, "config.toml");
  const parsed = codexConfig.safeParse(parseToml(path));
  if (!parsed.success)
    throw invalid(path, `"${parsed.error.issues[0]?.path.join(".")}" has a value that Codex does not know`);
  const { cli_auth_credentials_store, forced_login_method, forced_chatgpt_workspace_id } = parsed.data;
  return {
    credentialsStore: cli_auth_credentials_store,
    forcedLoginMethod: forced_login_method,
    allowedWorkspaceIds: forced_chatgpt_workspace_id,
  };
}

function parseToml(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return {};
    throw invalid(path, code ?? message.split("\n")[0] ?? "it is not TOML", cause);
  }
}

function invalid(path: string, what: string, cause?: unknown): AuthError {
  return new AuthError(
    "ERR_CONFIG_INVALID",
    `Codex's own ${path} cannot be used (${what}). Correct it, then log in again.`,
    {
      cause,
    },
  );
}
