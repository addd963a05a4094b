/** What the daemon does depends on who asks, from which folder and with which variables; never on its own environment. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { get } from "../helpers/socket-call.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const LOGIN = ["login", "--browser", "--no-browser", "--json"];

/** A daemon, a project that its user trusts, and a folder beside it; both callers have one and the same environment. */
async function setUp(t: Test, projectConfig: string) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  const project = join(daemon.home, "project");
  const elsewhere = join(daemon.home, "elsewhere");
  for (const folder of [join(project, ".git"), join(project, ".codex"), elsewhere]) {
    mkdirSync(folder, { recursive: true });
  }
  const projectFile = join(project, ".codex/config.toml");
  writeFileSync(projectFile, projectConfig);
  const trust = `[projects."${project}"]\ntrust_level = "trusted"\n`;
  writeFileSync(join(daemon.codexHome, "config.toml"), trust);
  return { issuer, daemon, project, elsewhere, projectFile };
}

async function logIn(daemon: Daemon, cwd: string) {
  const login = daemon.startCli(LOGIN, {}, cwd);
  const { authorizationUrl } = JSON.parse(await login.nextLine());
  await approveLogin(authorizationUrl);
  return { authorizationUrl, ...(await login.ended) };
}

t.test(
  "callers that differ only in their folder: the project forbids a login, the folder beside it does not",
  async (t) => {
    const { daemon, project, elsewhere, projectFile } = await setUp(t, 'forced_login_method = "api"\n');
    const refused = await daemon.cli(LOGIN, { cwd: project });
    t.equal(refused.code, 1);
    t.match(JSON.parse(refused.stdout).error, {
      code: "ERR_CONFIG_INVALID",
      message: `${projectFile} says forced_login_method = "api".`,
    });
    t.notOk(existsSync(join(daemon.codexHome, "auth.json")));

    t.equal((await logIn(daemon, elsewhere)).code, 0);
    const stored = readAuthJson(daemon.codexHome);
    const warningsIn = async (cwd: string) =>
      JSON.parse((await daemon.cli(["status", "--json"], { cwd })).stdout).warnings;
    t.same(await warningsIn(elsewhere), []);
    t.match(await warningsIn(project), [/forced_login_method = "api".*`codex exec` logs it out/]);
    t.same(readAuthJson(daemon.codexHome), stored, "the login is left alone");
  },
);

t.test(
  "callers that differ only in their folder: the project allows one workspace, and nothing else is stored",
  async (t) => {
    const { daemon, project, elsewhere } = await setUp(t, 'forced_chatgpt_workspace_id = "ws-1"\n');
    const { authorizationUrl, code, stdout } = await logIn(daemon, project);
    t.equal(new URL(authorizationUrl).searchParams.get("allowed_workspace_id"), "ws-1");
    t.equal(code, 5);
    t.match(stdout, /ERR_WORKSPACE_NOT_ALLOWED/);
    t.notOk(existsSync(join(daemon.codexHome, "auth.json")));
    const free = await logIn(daemon, elsewhere);
    t.notOk(new URL(free.authorizationUrl).searchParams.has("allowed_workspace_id"));
    t.equal(free.code, 0);
  },
);

t.test("a project that its user does not trust has no say", async (t) => {
  const { daemon, project } = await setUp(t, 'forced_login_method = "api"\n');
  writeFileSync(join(daemon.codexHome, "config.toml"), "");
  t.equal((await logIn(daemon, project)).code, 0);
});

t.test(
  "callers that differ only in CODEX_HOME each get their own login, and the daemon's own home is another",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const daemon = await startDaemon(t, { issuer });
    const homes = ["a", "b"].map((name) => join(daemon.home, name));
    for (const home of homes) {
      mkdirSync(home);
      writeLogin(home, issuer);
    }
    for (const home of homes) {
      const { access_token } = readAuthJson(home).tokens;
      const env = { CODEX_HOME: home };
      t.equal((await daemon.cli(["token"], { env })).stdout.trim(), access_token);
      t.equal(JSON.parse((await daemon.cli(["status", "--json"], { env })).stdout).codexHome, home);
    }
    t.equal(
      (await daemon.cli(["token"])).code,
      3,
      "whose environment names none has ~/.codex, which is empty",
    );
  },
);

t.test(
  "a daemon that was started with a CODEX_HOME serves it to those who name nothing, and to nobody else",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const [own, other] = [temporaryFolder(t), temporaryFolder(t)];
    for (const home of [own, other]) writeLogin(home, issuer);
    const daemon = await startDaemon(t, { issuer, env: { CODEX_HOME: own } });
    t.equal((await get(daemon.socket, "/v1/token")).body.trim(), readAuthJson(own).tokens.access_token);
    const env = { CODEX_HOME: other };
    t.equal((await daemon.cli(["token"], { env })).stdout.trim(), readAuthJson(other).tokens.access_token);
    const before = readAuthJson(own);
    t.equal((await daemon.cli(["logout"], { env })).code, 0);
    t.notOk(existsSync(join(other, "auth.json")));
    t.same(readAuthJson(own), before);
  },
);
