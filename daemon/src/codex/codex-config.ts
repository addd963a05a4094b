/** What Codex's own configuration says about logins in a folder (codex-cli 0.169): policy that a login of ours has to keep. */
import { z } from "zod";
import { type ConfigLayer, type ConfigPlace, loadConfigLayers, mergedLayers } from "./config-layers.js";
import { decisive, invalidConfig, understood } from "./toml-file.js";

const LOGIN_METHODS = ["chatgpt", "api"] as const;
type LoginMethod = (typeof LOGIN_METHODS)[number];

const credentialsStore = z.enum(["file", "keyring", "auto", "ephemeral"]).default("file");

/** Ids count without space around them, and empty ones not at all. */
const workspaceIds = z
  .array(z.string())
  .transform((ids) => ids.map((id) => id.trim()).filter((id) => id !== ""));

const loginKeys = z.object({
  cli_auth_credentials_store: credentialsStore,
  forced_login_method: z.enum(LOGIN_METHODS).optional(),
  forced_chatgpt_workspace_id: z
    .union([
      z
        .string()
        .regex(/^[^,]*$/)
        .transform((id) => [id])
        .pipe(workspaceIds),
      workspaceIds,
    ])
    .optional(),
  chatgpt_base_url: z.string().optional(),
  allowed_login_methods: z.array(z.enum(LOGIN_METHODS)).default([...LOGIN_METHODS]),
  allowed_chatgpt_workspaces: workspaceIds.optional(),
});

type LoginKeys = z.output<typeof loginKeys>;

/** What counts, and who says so. */
export interface Setting<Value> {
  readonly value: Value;
  /** The key that decided, as it is called in the file. */
  readonly key: keyof LoginKeys;
  /** What it is set to there. */
  readonly said: unknown;
  /** The file; `null` when nobody says anything. */
  readonly path: string | null;
}

export interface CodexConfig {
  readonly credentialsStore: Setting<z.output<typeof credentialsStore>>;
  /** The only method that is allowed; `undefined`: both are. */
  readonly loginMethod: Setting<LoginMethod | undefined>;
  /** The only workspaces that a login may be for; `undefined`: any. */
  readonly workspaceIds: Setting<readonly string[] | undefined>;
  readonly chatgptBaseUrl: Setting<string | undefined>;
  /** The files, lowest precedence first. */
  readonly layers: readonly Pick<ConfigLayer, "source" | "path" | "state">[];
}

/**
 * Reads every layer that counts in a folder, as upstream resolves them; missing files say nothing.
 * @throws AuthError ERR_CONFIG_INVALID when one cannot be read or understood, or when they allow no login at all
 */
export function loadCodexConfig(place: ConfigPlace): CodexConfig {
  const layers = loadConfigLayers(place);
  const keys = understood(loginKeys, mergedLayers(layers), layers);
  const setting = <Value>(value: Value, key: keyof LoginKeys): Setting<Value> => {
    const layer = decisive(layers, key);
    return { value, key, said: layer?.table[key], path: layer?.path ?? null };
  };
  const workspaces = allowedWorkspaces(keys);
  const method = allowedMethod(keys, workspaces.value);
  if (method.value === null)
    throw invalidConfig(setting(0, method.key).path ?? "", "no login method is allowed");
  return {
    credentialsStore: setting(keys.cli_auth_credentials_store, "cli_auth_credentials_store"),
    loginMethod: setting(method.value, method.key),
    workspaceIds: setting(workspaces.value, workspaces.key),
    chatgptBaseUrl: setting(keys.chatgpt_base_url, "chatgpt_base_url"),
    layers: layers.map(({ source, path, state }) => ({ source, path, state })),
  };
}

/** What the administrator allows bounds what the configuration says; a list of nothing in the configuration says nothing. */
function allowedWorkspaces(keys: LoginKeys): { value: string[] | undefined; key: keyof LoginKeys } {
  const forced = keys.forced_chatgpt_workspace_id?.length ? keys.forced_chatgpt_workspace_id : undefined;
  const allowed = keys.allowed_chatgpt_workspaces;
  if (!allowed) return { value: forced, key: "forced_chatgpt_workspace_id" };
  const both = forced?.filter((id) => allowed.includes(id)) ?? allowed;
  return { value: both, key: "allowed_chatgpt_workspaces" };
}

/** Without a workspace that is allowed there is no ChatGPT login. `null`: nothing is possible. */
function allowedMethod(
  { allowed_login_methods: allowed, forced_login_method: forced }: LoginKeys,
  workspaces: readonly string[] | undefined,
): { value: LoginMethod | null | undefined; key: keyof LoginKeys } {
  const bounds: [key: keyof LoginKeys, allows: (method: LoginMethod) => boolean][] = [
    ["forced_login_method", (method) => method === (forced ?? method)],
    ["allowed_login_methods", (method) => allowed.includes(method)],
    ["allowed_chatgpt_workspaces", (method) => method === "api" || workspaces?.length !== 0],
  ];
  const possible = LOGIN_METHODS.filter((method) => bounds.every(([, allows]) => allows(method)));
  const [key] = bounds.findLast(([, allows]) => !LOGIN_METHODS.every(allows)) ?? ["forced_login_method"];
  return { value: possible.length === 2 ? undefined : (possible[0] ?? null), key };
}
