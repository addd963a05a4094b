/** Run by codex-browser-login.test.ts, in a network where auth.openai.com is 127.0.0.1. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import t, { type Test } from "tap";
import { type AuthorizationServer, startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import {
  type CodexHome,
  codexBinary,
  codexEnvironment,
  createCodexHome,
  loginStatus,
} from "../helpers/codex.js";
import { startDaemon } from "../helpers/daemon.js";
import { readAuthJson } from "../helpers/logins.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { createTlsCertificate, type TlsCertificate } from "../helpers/tls-certificate.js";
import { until } from "../helpers/until.js";

const ISSUER = "https://auth.openai.com";

/** Nothing of what else leads a Codex to a test's issuer: here the real name does. */
const AS_INSTALLED = {
  HTTP_PROXY: undefined,
  HTTPS_PROXY: undefined,
  ALL_PROXY: undefined,
  CODEX_APP_SERVER_LOGIN_ISSUER: undefined,
  CODEX_REFRESH_TOKEN_URL_OVERRIDE: undefined,
  CODEX_REVOKE_TOKEN_URL_OVERRIDE: undefined,
};

async function setUp(t: Test) {
  const certificate = createTlsCertificate(new URL(ISSUER).hostname, temporaryFolder(t));
  const issuer = await startAuthorizationServer(t, { port: 443, tls: certificate });
  const codex = await createCodexHome({ backend: { baseUrl: ISSUER } });
  t.teardown(() => codex.close());
  return { certificate, issuer, codex };
}

/** `codex login`, with a person at the browser. */
async function logInWithCodex(codex: CodexHome, { ca, caFile }: TlsCertificate): Promise<void> {
  const env = { ...codexEnvironment(codex), ...AS_INSTALLED, CODEX_CA_CERTIFICATE: caFile };
  const child = spawn(codexBinary, ["login"], { cwd: codex.path, env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const address = (): string | undefined => /https:\/\/\S+\/oauth\/authorize\?\S+(?=\s)/.exec(stderr)?.[0];
  await until("codex login shows an address", () => address() !== undefined || child.exitCode !== null);
  await approveLogin(address() ?? "", { ca });
  const [code] = await ended;
  if (code !== 0) throw new Error(`codex login exited with ${code}:\n${stderr}`);
}

/** As a person has it: at the issuer of an installed codex-authd, whose Node is told of the network's own authority. */
function startOurs(t: Test, issuer: AuthorizationServer, codex: CodexHome, { caFile }: TlsCertificate) {
  const env = { CODEX_HOME: codex.path, NODE_EXTRA_CA_CERTS: caFile, NODE_OPTIONS: undefined };
  return startDaemon(t, { issuer, config: { issuer: ISSUER }, env });
}

t.test("a login that `codex login` makes in the browser is shown, served and refreshed", async (t) => {
  const { certificate, issuer, codex } = await setUp(t);
  await logInWithCodex(codex, certificate);
  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  const before = readAuthJson(codex.path);

  const daemon = await startOurs(t, issuer, codex, certificate);
  const status = JSON.parse((await daemon.cli(["status", "--json"])).stdout);
  t.match(status, { state: "active", authMode: "chatgpt", email: "me@example.com", planType: "pro" });
  t.match(status, { accountId: "acct-fake-0001", issuer: ISSUER, flow: null, warnings: [] });
  t.equal((await daemon.cli(["token"])).stdout.trim(), before.tokens.access_token);

  t.equal((await daemon.cli(["refresh"])).code, 0);
  const after = readAuthJson(codex.path);
  t.not(after.tokens.refresh_token, before.tokens.refresh_token);
  t.equal(after.OPENAI_API_KEY, before.OPENAI_API_KEY);
  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  t.strictSame(issuer.violations, []);
  t.equal(issuer.reuses, 0);
});

t.test("a login that we make at auth.openai.com is one for the real Codex", async (t) => {
  const { certificate, issuer, codex } = await setUp(t);
  const daemon = await startOurs(t, issuer, codex, certificate);
  const login = daemon.startCli(["login", "--browser", "--no-browser", "--json"]);
  await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl, { ca: certificate.ca });
  t.equal((await login.ended).code, 0);
  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  t.strictSame(issuer.violations, []);
});
