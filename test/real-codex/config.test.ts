/** The same configuration, given to Codex and to us. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type AppServer, startAppServer } from "../helpers/app-server.js";
import { type CodexHome, createCodexHome } from "../helpers/codex.js";
import { codexFinds, weFind } from "../helpers/codex-config-reader.js";
import { BASE_URL, EFFECTIVE, writeConfigPlaces } from "../helpers/config-places.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

async function startWith(t: Test, config: string): Promise<{ home: CodexHome; appServer: AppServer }> {
  const home = await createCodexHome({ backend: { baseUrl: BASE_URL } });
  t.teardown(() => home.close());
  writeFileSync(join(home.path, "config.toml"), config);
  const appServer = startAppServer({ home });
  t.teardown(() => appServer.close());
  await appServer.initialize();
  return { home, appServer };
}

t.test("in every folder of a project Codex and we find the same", async (t) => {
  const root = temporaryFolder(t);
  const { home, appServer } = await startWith(t, writeConfigPlaces(root));
  for (const [folder, effective] of Object.entries(EFFECTIVE)) {
    const cwd = join(root, folder);
    t.same(await codexFinds(appServer, cwd), effective, `Codex in ${folder}`);
    t.same(weFind({ codexHome: home.path, cwd }), effective, `we in ${folder}`);
  }
});

t.test("both take the ids of workspaces without the space around them, and no empty ones", async (t) => {
  const { home, appServer } = await startWith(t, 'forced_chatgpt_workspace_id = ["", " ws-1 ", "ws-2"]\n');
  const login = await appServer.request<{ authUrl: string }>("account/login/start", { type: "chatgpt" });
  t.equal(new URL(login.authUrl).searchParams.get("allowed_workspace_id"), "ws-1,ws-2");
  t.same(weFind({ codexHome: home.path })?.[2], ["ws-1", "ws-2"]);
});
