import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { type AuthorizationServer, startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveDevice } from "../helpers/browser-user.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { type ProxyServer, startProxy } from "../helpers/proxy-server.js";
import { callError } from "../helpers/socket-call.js";

/** What a caller brings who would like a token to pass by, or the traffic to fail. */
function hostileEnvironment({ url }: ProxyServer): Record<string, string> {
  return {
    CODEX_CA_CERTIFICATE: "/tmp/evil.pem",
    SSL_CERT_FILE: "/tmp/evil.pem",
    HTTPS_PROXY: url,
    HTTP_PROXY: url,
    ALL_PROXY: url,
    NO_PROXY: "nothing.example",
    http_proxy: url,
    https_proxy: url,
    all_proxy: url,
  };
}

/** What it would like to set, and has no way to. */
function forbidden({ url }: ProxyServer): Record<string, string> {
  return {
    CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${url}/oauth/token`,
    CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${url}/oauth/revoke`,
    CODEX_APP_SERVER_LOGIN_ISSUER: url,
  };
}

/** Logs in with a code, in an environment. */
async function logIn(daemon: Daemon, env: NodeJS.ProcessEnv): Promise<void> {
  const login = daemon.startCli(["login", "--device", "--json", "--force"], env);
  const { verificationUri, userCode } = JSON.parse(await login.nextLine());
  await approveDevice(verificationUri, userCode);
  const { code, stderr } = await login.ended;
  if (code !== 0) throw new Error(`The login failed: ${stderr}`);
}

function paths(proxy: ProxyServer, issuer: AuthorizationServer): string[] {
  return proxy.requests.map(({ target }) => target.replace(issuer.url, ""));
}

async function statusOf(daemon: Daemon, env: NodeJS.ProcessEnv) {
  return JSON.parse((await daemon.cli(["status", "--json"], { env })).stdout);
}

async function assertNothingToSet(t: Test, daemon: Daemon, trap: ProxyServer): Promise<void> {
  for (const [name, value] of Object.entries(forbidden(trap))) {
    const childEnvironment = { cwd: "/", variables: { CODEX_HOME: daemon.codexHome, [name]: value } };
    const refused = await callError(daemon.socket, "session/refresh", { childEnvironment });
    t.match(refused, { code: -32602 }, `${name} does not cross the socket`);
  }
  for (const name of ["issuer", "proxy", "ca", "clientId", "network"]) {
    const refused = await callError(daemon.socket, "session/refresh", { [name]: trap.url });
    t.match(refused, { code: -32602, message: new RegExp(name) }, `no caller can set ${name}`);
  }
}

t.test(
  "an adopted login goes its way whatever its callers, and whoever started the daemon, bring",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const trap = await startProxy(t);
    const env = { ...hostileEnvironment(trap), ...forbidden(trap) };
    const daemon = await startDaemon(t, { issuer, env });
    writeLogin(daemon.codexHome, issuer);
    await assertNothingToSet(t, daemon, trap);
    t.equal(issuer.requestsTo("refresh").length, 0);

    const { code, stderr } = await daemon.cli(["refresh"], { env });
    t.equal(code, 0, stderr);
    t.equal(issuer.exchanges, 1, "the issuer of the configuration got it");
    t.strictSame(trap.requests, [], "and nobody else");
  },
);

t.test(
  "a caller who sends no environment logs in with the one that the daemon was started with",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const proxy = await startProxy(t);
    const daemon = await startDaemon(t, { issuer, env: { HTTP_PROXY: proxy.url } });
    t.equal(await callError(daemon.socket, "login/begin", { flow: "device" }), undefined);
    t.equal(paths(proxy, issuer)[0], "/api/accounts/deviceauth/usercode");
  },
);

t.test("a login stays on the way that it was made on, whatever later callers bring", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const [proxy, trap] = [await startProxy(t, { credentials: "me:pass-word" }), await startProxy(t)];
  const daemon = await startDaemon(t, { issuer });
  await logIn(daemon, { HTTP_PROXY: `http://me:pass-word@${proxy.host}` });
  const hostile = { ...hostileEnvironment(trap), ...forbidden(trap) };

  const { access_token: token } = readAuthJson(daemon.codexHome).tokens;
  t.equal((await daemon.cli(["token"], { env: hostile })).stdout.trim(), token);
  t.equal((await daemon.cli(["refresh"], { env: hostile })).code, 0);
  const bound = { caCertificateFile: null, proxy: proxy.url, proxySource: "HTTP_PROXY", noProxy: null };
  t.match(await statusOf(daemon, hostile), { state: "active", network: bound });
  t.equal((await daemon.cli(["logout", "--revoke"], { env: hostile })).code, 0);

  t.strictSame(paths(proxy, issuer).slice(-3), ["/oauth/token", "/oauth/token", "/oauth/revoke"]);
  t.strictSame(trap.requests, []);
  t.notMatch(daemon.log(), "pass-word");
  t.match(daemon.log(), `"proxy":"${proxy.url}"`);
});

t.test(
  "a login that a hostile caller begins is its own: the one that is there stays until another is stored",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const [proxy, trap] = [await startProxy(t), await startProxy(t)];
    const daemon = await startDaemon(t, { issuer });
    await logIn(daemon, { http_proxy: proxy.url });
    const before = proxy.requests.length;

    const evil = daemon.startCli(["login", "--device", "--json", "--force"], hostileEnvironment(trap));
    const refused = await evil.ended;
    t.equal(refused.code, 1, "a CA file that is not there is told before anything is begun");
    t.match(refused.stdout, /\/tmp\/evil\.pem, which CODEX_CA_CERTIFICATE names, cannot be read \(ENOENT\)/);
    t.strictSame(trap.requests, []);

    const login = daemon.startCli(["login", "--device", "--json", "--force"], { ALL_PROXY: trap.url });
    const { verificationUri, userCode } = JSON.parse(await login.nextLine());
    t.equal(paths(trap, issuer)[0], "/api/accounts/deviceauth/usercode");
    t.equal((await daemon.cli(["refresh"])).code, 0);
    t.strictSame(
      paths(proxy, issuer).slice(before),
      ["/oauth/token"],
      "the old login's refresh goes the old way",
    );
    t.match(await statusOf(daemon, {}), { network: { proxy: proxy.url } });

    await approveDevice(verificationUri, userCode);
    t.equal((await login.ended).code, 0);
    t.match(await statusOf(daemon, {}), { network: { proxy: trap.url, proxySource: "ALL_PROXY" } });
    t.equal((await daemon.cli(["logout", "--revoke"])).code, 0);
    t.equal(paths(trap, issuer).at(-1), "/oauth/revoke");
    t.equal(proxy.requests.length, before + 1);
  },
);

t.test("a pipe where a caller says that a file is holds up nobody, and is named", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  writeLogin(daemon.codexHome, issuer);
  const pipeIn = (folder: string, name: string): string => {
    const path = join(daemon.home, folder, name);
    mkdirSync(join(daemon.home, folder));
    execFileSync("mkfifo", [path]);
    return path;
  };
  const ca = { CODEX_CA_CERTIFICATE: pipeIn("ca", "bundle.pem") };
  const [login, config] = [pipeIn("login", "auth.json"), pipeIn("config", "config.toml")];
  const answers = await Promise.all([
    daemon.cli(["token", "--codex-home", dirname(login)]),
    daemon.cli(["login", "--device", "--force", "--codex-home", dirname(config)]),
    daemon.cli(["login", "--device", "--force"], { env: ca }),
  ]);
  for (const { stderr } of answers) {
    t.match(stderr, /(?:auth\.json|config\.toml|bundle\.pem)[^\n]*\(not a regular file\)/);
  }
  t.equal((await daemon.cli(["token"])).code, 0);
});
