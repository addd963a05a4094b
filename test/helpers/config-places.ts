/** Projects with configuration of their own, and what Codex 0.169 makes of it in each of their folders. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What counts in a folder: store, only method, only workspaces, and who is asked for all that is not the login. */
export type Effective = readonly [
  store: string,
  method: string | null,
  workspaces: readonly string[] | null,
  baseUrl: string,
];

export const BASE_URL = "http://127.0.0.1:1/user/";

/** Folder under the root → what counts there; `null`: nothing, for its configuration is refused. */
export const EFFECTIVE: Readonly<Record<string, Effective | null>> = {
  ".": ["auto", "chatgpt", null, BASE_URL],
  nowhere: ["auto", "chatgpt", null, BASE_URL],
  git: ["ephemeral", "api", ["a", "b"], BASE_URL],
  "git/sub": ["ephemeral", "api", ["a", "b"], BASE_URL],
  "git/sub/deep": ["ephemeral", "api", ["c"], BASE_URL],
  "git/sub/deep/inner": ["ephemeral", "api", ["c"], BASE_URL],
  "git/distrusted": ["ephemeral", "api", ["a", "b"], BASE_URL],
  link: ["ephemeral", "api", ["a", "b"], BASE_URL],
  "plain/sub": ["auto", "chatgpt", ["plain"], BASE_URL],
  plain: ["auto", "chatgpt", null, BASE_URL],
  "plain/listed-above": ["auto", "chatgpt", null, BASE_URL],
  worktree: ["auto", "chatgpt", ["worktree"], BASE_URL],
  "stolen-worktree": ["auto", "chatgpt", null, BASE_URL],
  "unknown-worktree": ["auto", "chatgpt", null, BASE_URL],
  blank: ["auto", "chatgpt", null, BASE_URL],
  "torn-untrusted": ["auto", "chatgpt", null, BASE_URL],
  torn: null,
  "wrong-method": null,
  "wrong-store": null,
  "wrong-workspace": null,
  "comma-workspace": null,
};

/** Makes the folders, and answers the user's `config.toml` that goes with them. */
export function writeConfigPlaces(root: string): string {
  for (const [path, text] of Object.entries(FILES)) write(join(root, path), text.replaceAll("$ROOT", root));
  symlinkSync(join(root, "git"), join(root, "link"));
  for (const folder of Object.keys(EFFECTIVE)) mkdirSync(join(root, folder), { recursive: true });
  const trust = Object.entries(TRUST).map(
    ([folder, level]) => `[projects."${join(root, folder)}"]\ntrust_level = "${level}"\n`,
  );
  return `chatgpt_base_url = "${BASE_URL}"\ncli_auth_credentials_store = "auto"\nforced_login_method = "chatgpt"\n${trust.join("")}`;
}

const TRUST: Readonly<Record<string, "trusted" | "untrusted">> = {
  git: "trusted",
  "git/distrusted": "untrusted",
  "plain/sub": "trusted",
  main: "trusted",
  blank: "trusted",
  torn: "trusted",
  "wrong-method": "trusted",
  "wrong-store": "trusted",
  "wrong-workspace": "trusted",
  "comma-workspace": "trusted",
};

const FORCED_API = 'forced_login_method = "api"\n';

const FILES: Readonly<Record<string, string>> = {
  "git/.git/HEAD": "",
  // Also what a repository has no say in: where requests go, what a project is, and who is trusted.
  "git/.codex/config.toml": `${FORCED_API}cli_auth_credentials_store = "ephemeral"
forced_chatgpt_workspace_id = ["a", "b"]
chatgpt_base_url = "http://127.0.0.1:1/project/"
project_root_markers = ["nothing"]
allowed_login_methods = ["api"]
[projects."$ROOT/git/distrusted"]
trust_level = "trusted"
`,
  "git/sub/deep/.codex/config.toml": 'forced_chatgpt_workspace_id = "c"\n',
  "git/distrusted/.codex/config.toml": 'forced_chatgpt_workspace_id = "distrusted"\n',
  "plain/.codex/config.toml": FORCED_API,
  "plain/sub/.codex/config.toml": 'forced_chatgpt_workspace_id = " plain "\n',
  "plain/listed-above/.codex/config.toml": FORCED_API,
  "main/.git/worktrees/w/gitdir": "$ROOT/worktree/.git\n",
  "main/.git/worktrees/w/commondir": "../..\n",
  "worktree/.git": "gitdir: $ROOT/main/.git/worktrees/w\n",
  "worktree/.codex/config.toml": 'forced_chatgpt_workspace_id = "worktree"\n',
  "stolen-worktree/.git": "gitdir: $ROOT/main/.git/worktrees/w\n",
  "stolen-worktree/.codex/config.toml": FORCED_API,
  "unknown-worktree/.git": "gitdir: $ROOT/main/.git/worktrees/unknown\n",
  "unknown-worktree/.codex/config.toml": FORCED_API,
  "blank/.codex/config.toml": 'forced_chatgpt_workspace_id = ["", " "]\n',
  "torn/.codex/config.toml": "forced_login_method = \n",
  "torn-untrusted/.codex/config.toml": "forced_login_method = \n",
  "wrong-method/.codex/config.toml": 'forced_login_method = "magic"\n',
  "wrong-store/.codex/config.toml": 'cli_auth_credentials_store = "cloud"\n',
  "wrong-workspace/.codex/config.toml": "forced_chatgpt_workspace_id = 5\n",
  "comma-workspace/.codex/config.toml": 'forced_chatgpt_workspace_id = "a,b"\n',
};

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
