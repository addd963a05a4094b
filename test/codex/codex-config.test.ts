import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type CodexConfig, loadCodexConfig } from "#daemon/codex/codex-config.js";
import { EFFECTIVE, writeConfigPlaces } from "../helpers/config-places.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

interface Layers {
  readonly system?: string;
  readonly user?: string;
  readonly managed?: string;
  readonly requirements?: string;
}

interface Place {
  readonly codexHome: string;
  readonly systemFolder: string;
}

function placeWith(codexHome: string, { system, user, managed, requirements }: Layers): Place {
  const systemFolder = join(codexHome, "etc");
  mkdirSync(systemFolder, { recursive: true });
  writeFileSync(join(codexHome, "config.toml"), user ?? "");
  writeFileSync(join(systemFolder, "config.toml"), system ?? "");
  writeFileSync(join(systemFolder, "managed_config.toml"), managed ?? "");
  writeFileSync(join(systemFolder, "requirements.toml"), requirements ?? "");
  return { codexHome, systemFolder };
}

function valuesOf({ credentialsStore, loginMethod, workspaceIds, chatgptBaseUrl }: CodexConfig) {
  return [credentialsStore.value, loginMethod.value, workspaceIds.value, chatgptBaseUrl.value];
}

t.test("without any file, both methods, any workspace and the file are allowed", async (t) => {
  const codexHome = temporaryFolder(t);
  const config = loadCodexConfig({ codexHome, cwd: codexHome, systemFolder: join(codexHome, "etc") });
  t.same(valuesOf(config), ["file", undefined, undefined, undefined]);
  t.same(config.credentialsStore.path, null);
  t.same(
    config.layers.map(({ source, state }) => `${source} ${state}`),
    ["system absent", "user absent", "managed absent", "requirements absent"],
  );
});

t.test("in every folder of a project counts what the project may say", async (t) => {
  const codexHome = temporaryFolder(t);
  const root = temporaryFolder(t);
  const place = placeWith(codexHome, { user: writeConfigPlaces(root) });
  for (const [folder, effective] of Object.entries(EFFECTIVE)) {
    const load = () => loadCodexConfig({ ...place, cwd: join(root, folder) });
    if (effective === null) {
      const file = join(root, folder, ".codex/config.toml");
      t.throws(load, { code: "ERR_CONFIG_INVALID", message: `Codex's own ${file} cannot be used` }, folder);
      continue;
    }
    const [store, method, workspaces, baseUrl] = effective;
    t.same(valuesOf(load()), [store, method ?? undefined, workspaces ?? undefined, baseUrl], folder);
  }
  t.match(loadCodexConfig({ ...place, cwd: join(root, "git/distrusted") }).layers, [
    { source: "system" },
    { source: "user" },
    { source: "project", path: join(root, "git/.codex/config.toml"), state: "read" },
    { source: "project", path: join(root, "git/distrusted/.codex/config.toml"), state: "untrusted" },
    { source: "managed" },
    { source: "requirements" },
  ]);
});

t.test(
  "the markers of a project's root are the user's, and no marker makes every folder its own project",
  async (t) => {
    const codexHome = temporaryFolder(t);
    const root = temporaryFolder(t);
    mkdirSync(join(root, ".hg"));
    mkdirSync(join(root, "sub"));
    mkdirSync(join(root, ".codex"));
    writeFileSync(join(root, ".codex/config.toml"), 'forced_login_method = "api"\n');
    const methodWith = (markers: string) => {
      const user = `${markers}\n[projects."${root}"]\ntrust_level = "trusted"\n`;
      return loadCodexConfig({ ...placeWith(codexHome, { user }), cwd: join(root, "sub") }).loginMethod.value;
    };
    t.equal(methodWith('project_root_markers = [".hg"]'), "api");
    t.equal(methodWith(""), undefined);
    t.equal(methodWith("project_root_markers = []"), undefined);
  },
);

t.test("the Codex home is no project, though it lies in the folder of one", async (t) => {
  const home = temporaryFolder(t);
  const codexHome = join(home, ".codex");
  mkdirSync(codexHome);
  const place = placeWith(codexHome, { user: `[projects."${home}"]\ntrust_level = "trusted"\n` });
  const { layers } = loadCodexConfig({ ...place, cwd: home });
  t.notOk(layers.some(({ source }) => source === "project"));
});

t.test("each layer overrides the one below, and the administrator's demands bound them all", async (t) => {
  const api = 'forced_login_method = "api"';
  const chatgpt = 'forced_login_method = "chatgpt"';
  const rows: [name: string, layers: Layers, values: unknown[], decidedBy?: string][] = [
    [
      "system",
      { system: `${api}\nchatgpt_base_url = "http://s"` },
      ["file", "api", undefined, "http://s"],
      "etc/config.toml",
    ],
    [
      "user over system",
      { system: api, user: chatgpt },
      ["file", "chatgpt", undefined, undefined],
      "config.toml",
    ],
    [
      "managed over user",
      { user: api, managed: `${chatgpt}\ncli_auth_credentials_store = "auto"` },
      ["auto", "chatgpt", undefined, undefined],
      "etc/managed_config.toml",
    ],
    [
      "a method that is not allowed",
      { requirements: 'allowed_login_methods = ["api"]' },
      ["file", "api", undefined, undefined],
      "etc/requirements.toml",
    ],
    [
      "both methods allowed",
      { requirements: 'allowed_login_methods = ["api", "chatgpt"]' },
      ["file", undefined, undefined, undefined],
    ],
    [
      "workspaces in both",
      {
        user: 'forced_chatgpt_workspace_id = ["a", "b"]',
        requirements: 'allowed_chatgpt_workspaces = ["b", "c"]',
      },
      ["file", undefined, ["b"], undefined],
    ],
    [
      "workspaces in neither",
      { user: 'forced_chatgpt_workspace_id = "a"', requirements: 'allowed_chatgpt_workspaces = ["c"]' },
      ["file", "api", [], undefined],
      "etc/requirements.toml",
    ],
    [
      "workspaces of nobody",
      { requirements: "allowed_chatgpt_workspaces = []" },
      ["file", "api", [], undefined],
      "etc/requirements.toml",
    ],
    [
      "store and backend demanded",
      {
        user: 'cli_auth_credentials_store = "file"\nchatgpt_base_url = "http://u"',
        requirements: 'cli_auth_credentials_store = "keyring"\nchatgpt_base_url = "http://r"',
      },
      ["keyring", undefined, undefined, "http://r"],
    ],
    [
      "demands in the wrong file, and settings among demands",
      { user: 'allowed_login_methods = ["api"]', requirements: api },
      ["file", undefined, undefined, undefined],
    ],
  ];
  for (const [name, layers, values, decidedBy] of rows) {
    const codexHome = temporaryFolder(t);
    const config = loadCodexConfig(placeWith(codexHome, layers));
    t.same(valuesOf(config), values, name);
    if (decidedBy) t.equal(config.loginMethod.path, join(codexHome, decidedBy), `${name}: who decided`);
  }
});

t.test("what Codex would not understand is refused, by the name of its file", async (t) => {
  const codexHome = temporaryFolder(t);
  const refuses = (layers: Layers, message: RegExp) => {
    const place = placeWith(codexHome, layers);
    t.throws(() => loadCodexConfig({ ...place, cwd: codexHome }), { code: "ERR_CONFIG_INVALID", message });
  };
  refuses(
    { user: 'cli_auth_credentials_store = "cloud"' },
    /config\.toml cannot be used \("cli_auth_credentials_store"/,
  );
  refuses({ user: "model = " }, /config\.toml cannot be used/);
  refuses({ user: "project_root_markers = 5" }, /"project_root_markers"/);
  refuses({ user: '[projects."/x"]\ntrust_level = "perhaps"' }, /"projects\./);
  refuses(
    { managed: 'forced_login_method = "magic"' },
    /managed_config\.toml cannot be used \("forced_login_method"/,
  );
  refuses({ requirements: 'allowed_login_methods = ["magic"]' }, /requirements\.toml cannot be used/);
  refuses({ requirements: 'allowed_chatgpt_workspaces = "w"' }, /requirements\.toml cannot be used/);
  const nothing = {
    user: 'forced_login_method = "api"',
    requirements: 'allowed_login_methods = ["chatgpt"]',
  };
  refuses(nothing, /requirements\.toml cannot be used \(no login method is allowed/);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "config.toml"));
  t.throws(() => loadCodexConfig({ codexHome: folder }), { code: "ERR_CONFIG_INVALID", message: /EISDIR/ });
});
