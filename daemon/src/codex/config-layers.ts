/** The files that make up upstream's configuration in a folder (codex-cli 0.169), lowest precedence first. */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type ProjectFolder, type ProjectRules, projectFolders, projectRules } from "./project-folders.js";
import { isTable, readTomlFile, type TomlTable, understood } from "./toml-file.js";

/** Where the administrator of a machine configures Codex, on Linux and macOS. */
const SYSTEM_FOLDER = "/etc/codex";

const LOGIN_KEYS = ["cli_auth_credentials_store", "forced_login_method", "forced_chatgpt_workspace_id"];
const USER_KEYS = [...LOGIN_KEYS, "chatgpt_base_url", "projects", "project_root_markers"];

/** What each layer may say, of what we read. A repository does not decide where credentials are sent, nor who is trusted. */
const KEYS = {
  system: USER_KEYS,
  user: USER_KEYS,
  project: LOGIN_KEYS,
  managed: [...LOGIN_KEYS, "chatgpt_base_url"],
  requirements: [
    "allowed_login_methods",
    "allowed_chatgpt_workspaces",
    "cli_auth_credentials_store",
    "chatgpt_base_url",
  ],
} as const satisfies Record<string, readonly string[]>;

export interface ConfigPlace {
  readonly codexHome: string;
  /** Where Codex is run, an absolute path. Without one no project counts. */
  readonly cwd?: string | undefined;
  /** Default: `/etc/codex`. */
  readonly systemFolder?: string | undefined;
}

export interface ConfigLayer {
  readonly source: keyof typeof KEYS;
  readonly path: string;
  /** `untrusted`: a project's, which counts for nothing until the user trusts the project. */
  readonly state: "read" | "absent" | "untrusted";
  /** The keys that it may say; none unless it was read. */
  readonly table: TomlTable;
}

/**
 * Every layer that there could be, with the absent ones outside of projects.
 * @throws AuthError ERR_CONFIG_INVALID for a file that counts and cannot be read or understood
 */
export function loadConfigLayers({
  codexHome,
  cwd,
  systemFolder = SYSTEM_FOLDER,
}: ConfigPlace): ConfigLayer[] {
  const system = loadLayer("system", join(systemFolder, "config.toml"));
  const user = loadLayer("user", join(codexHome, "config.toml"));
  return [
    system,
    user,
    ...(cwd === undefined ? [] : projectLayers(cwd, codexHome, rulesOf([system, user]))),
    loadLayer("managed", join(systemFolder, "managed_config.toml")),
    loadLayer("requirements", join(systemFolder, "requirements.toml")),
  ];
}

function loadLayer(source: ConfigLayer["source"], path: string): ConfigLayer {
  const table = readTomlFile(path);
  const keys = KEYS[source].flatMap((key) => (table && key in table ? [[key, table[key]]] : []));
  return { source, path, state: table ? "read" : "absent", table: Object.fromEntries(keys) };
}

/** A Codex home inside the project is the user's layer, not the project's. */
function projectLayers(cwd: string, codexHome: string, rules: ProjectRules): ConfigLayer[] {
  const home = realpathOr(codexHome);
  const folders = projectFolders(cwd, rules);
  return folders.filter(({ path }) => realpathOr(join(path, ".codex")) !== home).flatMap(projectLayer);
}

function projectLayer({ path: folder, isTrusted }: ProjectFolder): ConfigLayer[] {
  const path = join(folder, ".codex", "config.toml");
  if (!existsSync(path)) return [];
  return [
    isTrusted ? loadLayer("project", path) : { source: "project", path, state: "untrusted", table: {} },
  ];
}

/** The lists of projects of system and user are merged, key by key. */
function rulesOf(layers: readonly [ConfigLayer, ConfigLayer]): ProjectRules {
  const projects = mergedTables(layers[0].table.projects, layers[1].table.projects);
  return understood(
    projectRules,
    { ...mergedLayers(layers), ...(projects !== undefined && { projects }) },
    layers,
  );
}

/** What a later layer says replaces what an earlier one does. */
export function mergedLayers(layers: readonly ConfigLayer[]): TomlTable {
  return Object.assign({}, ...layers.map(({ table }) => table));
}

function mergedTables(below: unknown, above: unknown): unknown {
  if (!isTable(below) || !isTable(above)) return above ?? below;
  const keys = Object.keys(above).map((key) => [key, mergedTables(below[key], above[key])]);
  return { ...below, ...Object.fromEntries(keys) };
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
