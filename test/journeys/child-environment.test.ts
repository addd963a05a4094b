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

t.test(
  "callers that differ only in one variable are told of another credential, and the daemon's own counts for none",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const home = temporaryFolder(t);
    writeLogin(home, issuer);
    const daemonEnv = {
      CODEX_HOME: home,
      CODEX_API_KEY: "sk-of-the-daemon",
      OPENAI_IDENTITY_TOKEN_FILE: "/x",
    };
    const daemon = await startDaemon(t, { issuer, env: daemonEnv });
    const bare = { CODEX_API_KEY: undefined, OPENAI_IDENTITY_TOKEN_FILE: undefined };
    const explained = async (env: NodeJS.ProcessEnv, kind = "exec") => {
      const { stdout } = await daemon.cli(["status", "--explain", "--for", kind, "--json"], {
        env: { ...bare, ...env },
      });
      return JSON.parse(stdout);
    };
    const login = { mode: "chatgpt", source: join(home, "auth.json") };
    t.match(await explained({}), { used: login, others: [] });
    const withKey = await explained({ CODEX_API_KEY: "sk-s3cret" });
    t.match(withKey, { used: { mode: "apikey", source: "CODEX_API_KEY" }, others: [login] });
    t.notMatch(JSON.stringify(withKey), /s3cret|sk-/);
    t.match(await explained({ CODEX_API_KEY: "sk-s3cret" }, "app-server"), { used: login });
    t.match(await explained({ CODEX_ACCESS_TOKEN: "at-s3cret" }), { used: { mode: "personalAccessToken" } });
    t.notMatch(daemon.log(), /s3cret/);
  },
);

t.test(
  "whoever asks why is told the folder's configuration, file by file, and a login is needed where there is none",
  async (t) => {
    const { issuer, daemon, project, projectFile } = await setUp(t, 'forced_login_method = "api"\n');
    writeLogin(daemon.codexHome, issuer);
    const inProject = await daemon.cli(["status", "--explain"], { cwd: project });
    t.equal(inProject.code, 3);
    const authFile = join(daemon.codexHome, "auth.json");
    t.match(inProject.stdout, `\`codex exec\` is not logged in here: ${authFile}: the configuration allows`);
    t.match(inProject.stdout, new RegExp(`project +${projectFile} +read`));
    t.match(inProject.stdout, new RegExp(`forced_login_method +"api" +${projectFile}`));
    const beside = await daemon.cli(["status", "--explain"]);
    t.equal(beside.code, 0);
    t.match(beside.stdout, `\`codex exec\` uses ${authFile} (chatgpt) here: it is the stored login.`);

    writeFileSync(projectFile, "forced_login_method =");
    const torn = await daemon.cli(["status", "--explain", "--json"], { cwd: project });
    t.equal(torn.code, 3);
    t.match(JSON.parse(torn.stdout), { used: null, configurationProblem: /project.*cannot be used/ });
    writeFileSync(authFile, "{");
    const corrupt = await daemon.cli(["status", "--explain"]);
    t.match(corrupt.stdout, /is not logged in here: .*auth\.json cannot be understood/);
    const env = { CODEX_API_KEY: "sk-any" };
    t.match((await daemon.cli(["status", "--explain"], { env })).stdout, /uses CODEX_API_KEY \(apikey\)/);
  },
);

t.test("a memory login is an app-server's alone", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  const login = daemon.startCli([...LOGIN, "--memory", "work"]);
  await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl);
  t.equal((await login.ended).code, 0);
  const explain = async (kind: string) =>
    JSON.parse((await daemon.cli(["status", "--memory", "work", "--for", kind, "--json"])).stdout);
  t.match(await explain("app-server"), {
    used: { mode: "chatgptAuthTokens", source: "the daemon's memory" },
  });
  t.match(await explain("exec"), { used: null, others: [{ reason: /only be handed to an app-server/ }] });
});
