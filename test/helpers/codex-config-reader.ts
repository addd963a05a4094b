/** What counts in a folder, in one form for the real Codex and for us. */
import { AuthError } from "@codex-authd/shared";
import { loadCodexConfig } from "#daemon/codex/codex-config.js";
import type { ConfigPlace } from "#daemon/codex/config-layers.js";
import type { AppServer } from "./app-server.js";
import { AppServerError } from "./app-server-messages.js";
import type { Effective } from "./config-places.js";

interface ConfigAnswer {
  readonly config: {
    readonly cli_auth_credentials_store: string;
    readonly forced_login_method?: string | null;
    readonly forced_chatgpt_workspace_id?: string | readonly string[] | null;
    readonly chatgpt_base_url: string;
  };
}

/** Asks a real app-server; `null` when it refuses the configuration. The ids come as they are written, and are trimmed here. */
export async function codexFinds(appServer: AppServer, cwd: string): Promise<Effective | null> {
  try {
    const { config } = await appServer.request<ConfigAnswer>("config/read", { cwd });
    const ids = [config.forced_chatgpt_workspace_id ?? []].flat().map((id) => id.trim());
    const workspaces = ids.filter((id) => id !== "");
    const {
      cli_auth_credentials_store: store,
      forced_login_method: method,
      chatgpt_base_url: baseUrl,
    } = config;
    return [store, method ?? null, workspaces.length === 0 ? null : workspaces, baseUrl];
  } catch (error) {
    if (error instanceof AppServerError) return null;
    throw error;
  }
}

export function weFind(place: ConfigPlace): Effective | null {
  try {
    const { credentialsStore, loginMethod, workspaceIds, chatgptBaseUrl } = loadCodexConfig(place);
    const { value: baseUrl = "" } = chatgptBaseUrl;
    return [credentialsStore.value, loginMethod.value ?? null, workspaceIds.value ?? null, baseUrl];
  } catch (error) {
    if (error instanceof AuthError) return null;
    throw error;
  }
}
