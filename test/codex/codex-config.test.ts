import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadCodexConfig } from "#daemon/codex/codex-config.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

t.test("loadCodexConfig refuses what Codex would not understand, and names the place", async (t) => {
  const home = temporaryFolder(t);
  const refuses = (text: string, message: RegExp): void => {
    writeFileSync(join(home, "config.toml"), text);
    t.throws(() => loadCodexConfig(home), { code: "ERR_CONFIG_INVALID", message }, text);
  };
  refuses(
    'cli_auth_credentials_store = "cloud"',
    /config\.toml cannot be used \("cli_auth_credentials_store"/,
  );
  refuses('forced_login_method = "magic"', /"forced_login_method"/);
  refuses("forced_chatgpt_workspace_id = 5", /"forced_chatgpt_workspace_id"/);
  refuses("model = ", /config\.toml cannot be used/);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "config.toml"));
  t.throws(() => loadCodexConfig(folder), { code: "ERR_CONFIG_INVALID", message: /EISDIR/ });
});

t.test("loadCodexConfig reads the policy, and nothing of the rest", async (t) => {
  const home = temporaryFolder(t);
  t.same(loadCodexConfig(home), {
    credentialsStore: "file",
    forcedLoginMethod: undefined,
    allowedWorkspaceIds: undefined,
  });
  writeFileSync(
    join(home, "config.toml"),
    'model = "x"\ncli_auth_credentials_store = "auto"\nforced_login_method = "chatgpt"\nforced_chatgpt_workspace_id = "ws-1"\n[features]\nx = true\n',
  );
  t.same(loadCodexConfig(home), {
    credentialsStore: "auto",
    forcedLoginMethod: "chatgpt",
    allowedWorkspaceIds: ["ws-1"],
  });
  writeFileSync(join(home, "config.toml"), 'forced_chatgpt_workspace_id = ["ws-1", "ws-2"]');
  t.same(loadCodexConfig(home).allowedWorkspaceIds, ["ws-1", "ws-2"]);
});
