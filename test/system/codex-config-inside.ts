/** Run by `codex-config.test.ts`, where `/etc` is a copy that nobody else sees. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { startAppServer } from "../helpers/app-server.js";
import { createCodexHome } from "../helpers/codex.js";
import { codexFinds, weFind } from "../helpers/codex-config-reader.js";
import { BASE_URL, type Effective } from "../helpers/config-places.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

type SystemFile = "config.toml" | "managed_config.toml" | "requirements.toml";

interface Case {
  readonly system: Readonly<Partial<Record<SystemFile, string>>>;
  readonly user?: string;
  /** `.codex/config.toml` of a project that the system's or the user's configuration may trust. */
  readonly project?: string;
  readonly finds: Effective | null;
}

const DEFAULT_URL = `chatgpt_base_url = "${BASE_URL}"\n`;

async function place(t: Test, { system, user = "", project }: Case) {
  rmSync("/etc/codex", { recursive: true, force: true });
  mkdirSync("/etc/codex");
  const cwd = temporaryFolder(t);
  const write = (path: string, text: string) => writeFileSync(path, text.replaceAll("$PROJECT", cwd));
  for (const [file, text] of Object.entries(system)) write(join("/etc/codex", file), text);
  const home = await createCodexHome({ backend: { baseUrl: BASE_URL } });
  t.teardown(() => home.close());
  write(join(home.path, "config.toml"), DEFAULT_URL + user);
  mkdirSync(join(cwd, ".codex"));
  if (project !== undefined) write(join(cwd, ".codex/config.toml"), project);
  return { home, cwd };
}

const API = 'forced_login_method = "api"\n';
const CHATGPT = 'forced_login_method = "chatgpt"\n';
const workspace = (id: string) => `forced_chatgpt_workspace_id = "${id}"\n`;
const TRUST = '[projects."$PROJECT"]\ntrust_level = "trusted"\n';

const CASES: Readonly<Record<string, Case>> = {
  "the system's configuration counts where nobody else says anything": {
    system: { "config.toml": API + workspace("system") },
    finds: ["file", "api", ["system"], BASE_URL],
  },
  "the user's overrides it": {
    system: { "config.toml": API + workspace("system") },
    user: CHATGPT,
    finds: ["file", "chatgpt", ["system"], BASE_URL],
  },
  "the system may trust a project, which overrides both": {
    system: { "config.toml": workspace("system") + TRUST },
    user: 'forced_chatgpt_workspace_id = "user"\n',
    project: workspace("project"),
    finds: ["file", null, ["project"], BASE_URL],
  },
  "managed_config.toml overrides them all": {
    system: {
      "managed_config.toml": `${CHATGPT}${workspace("managed")}cli_auth_credentials_store = "auto"\nchatgpt_base_url = "http://127.0.0.1:1/managed/"\n`,
    },
    user: TRUST,
    project: API + workspace("project"),
    finds: ["auto", "chatgpt", ["managed"], "http://127.0.0.1:1/managed/"],
  },
  "requirements.toml demands a store and a backend": {
    system: {
      "requirements.toml":
        'cli_auth_credentials_store = "ephemeral"\nchatgpt_base_url = "http://127.0.0.1:1/demanded/"\n',
    },
    finds: ["ephemeral", null, null, "http://127.0.0.1:1/demanded/"],
  },
  "a setting in the file of demands is none": {
    system: { "requirements.toml": API + workspace("w") },
    finds: ["file", null, null, BASE_URL],
  },
  "a torn file of the system refuses everything": {
    system: { "config.toml": "forced_login_method =" },
    finds: null,
  },
  "so does a torn managed one": { system: { "managed_config.toml": "forced_login_method =" }, finds: null },
  "so do demands that are torn": { system: { "requirements.toml": "allowed_login_methods =" }, finds: null },
  "so do demands of a method that there is not": {
    system: { "requirements.toml": 'allowed_login_methods = ["magic"]\n' },
    finds: null,
  },
  "so does a demand that the configuration contradicts": {
    system: { "requirements.toml": 'allowed_login_methods = ["chatgpt"]\n' },
    user: API,
    finds: null,
  },
};

for (const [name, row] of Object.entries(CASES)) {
  t.test(name, async (t) => {
    const { home, cwd } = await place(t, row);
    t.same(weFind({ codexHome: home.path, cwd }), row.finds, "we");
    const appServer = startAppServer({ home });
    t.teardown(() => appServer.close());
    const theirs = await appServer.initialize().then(
      () => codexFinds(appServer, cwd),
      () => null,
    );
    t.same(theirs, row.finds, "Codex");
  });
}

interface Demand {
  readonly user: string;
  readonly requirements: string;
  /** `allowed_workspace_id` of a browser login, `""` for any; `null`: there is none. */
  readonly login: string | null;
}

const DEMANDS: Readonly<Record<string, Demand>> = {
  "a method that is not allowed": { user: "", requirements: 'allowed_login_methods = ["api"]', login: null },
  "both methods allowed": { user: "", requirements: 'allowed_login_methods = ["api", "chatgpt"]', login: "" },
  "workspaces, where the user names none": {
    user: "",
    requirements: 'allowed_chatgpt_workspaces = [" a ", ""]',
    login: "a",
  },
  "workspaces that both name": {
    user: 'forced_chatgpt_workspace_id = ["a", "b"]\n',
    requirements: 'allowed_chatgpt_workspaces = ["b", "c"]',
    login: "b",
  },
  "workspaces that only one names": {
    user: workspace("a"),
    requirements: 'allowed_chatgpt_workspaces = ["c"]',
    login: null,
  },
};

for (const [name, { user, requirements, login }] of Object.entries(DEMANDS)) {
  t.test(`the administrator's demand of ${name} decides about logins`, async (t) => {
    const system = { "requirements.toml": requirements };
    const { home, cwd } = await place(t, { system, user, finds: null });
    const [, method, workspaces] = weFind({ codexHome: home.path, cwd }) ?? [];
    t.equal(method === "api" ? null : (workspaces ?? []).join(), login, "we");
    const appServer = startAppServer({ home });
    t.teardown(() => appServer.close());
    await appServer.initialize();
    const begun = appServer.request<{ authUrl: string }>("account/login/start", { type: "chatgpt" });
    if (login === null) await t.rejects(begun, { message: /ChatGPT login is disabled/ }, "Codex");
    else
      t.equal(new URL((await begun).authUrl).searchParams.get("allowed_workspace_id") ?? "", login, "Codex");
  });
}
