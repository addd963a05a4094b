/**
 * A proxy that opens TLS and signs with an authority of its own, as company networks have it: a real mitmproxy. The real
 * Codex goes the same way beside us, as the yardstick.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import t, { type Test } from "tap";
import { type AuthorizationServer, startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveDevice } from "../helpers/browser-user.js";
import {
  type CodexHome,
  codexBinary,
  codexEnvironment,
  createCodexHome,
  loginStatus,
  runCodex,
} from "../helpers/codex.js";
import { startDaemon } from "../helpers/daemon.js";
import { startInterceptingProxy } from "../helpers/intercepting-proxy.js";
import { writeLogin } from "../helpers/logins.js";
import { requireTools } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { createTlsCertificate, type TlsCertificate } from "../helpers/tls-certificate.js";
import { until } from "../helpers/until.js";

requireTools("mitmdump", "openssl");

async function setUp(t: Test) {
  const certificate = createTlsCertificate("127.0.0.1", temporaryFolder(t));
  const issuer = await startAuthorizationServer(t, { tls: certificate });
  const proxy = await startInterceptingProxy(t, certificate.caFile);
  const codex = await createCodexHome({ backend: { baseUrl: issuer.url }, issuer: issuer.url });
  t.teardown(() => codex.close());
  return { certificate, issuer, proxy, codex };
}

const DEVICE = ["login", "--device", "--json", "--force"];

/** `codex login --device-auth`, with a person who types the code; answers the exit code. */
async function logInWithCodex(
  codex: CodexHome,
  env: NodeJS.ProcessEnv,
  { issuer, certificate }: { issuer: AuthorizationServer; certificate: TlsCertificate },
): Promise<number | null> {
  const args = ["login", "--device-auth", "--experimental_issuer", issuer.url];
  const child = spawn(codexBinary, args, { cwd: codex.path, env: { ...codexEnvironment(codex), ...env } });
  const ended = once(child, "close");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const code = (): string | undefined => /[A-Z0-9]{4}-[A-Z0-9]{5}/.exec(output)?.[0];
  await until("codex shows a code, or ends", () => code() !== undefined || child.exitCode !== null);
  if (code()) await approveDevice(`${issuer.url}/codex/device`, code() ?? "", { ca: certificate.ca });
  await ended;
  return child.exitCode;
}

t.test("login, refresh and revocation go through it with its CA, beside the real Codex", async (t) => {
  const { certificate, issuer, proxy, codex } = await setUp(t);
  const env = { CODEX_CA_CERTIFICATE: proxy.caFile, HTTPS_PROXY: proxy.url, NO_PROXY: undefined };
  const paths = (): string[] => proxy.requests().map((request) => request.replace(issuer.url, ""));
  const steps = ["POST /api/accounts/deviceauth/usercode", "POST /oauth/token"];

  t.equal(await logInWithCodex(codex, env, { issuer, certificate }), 0, "the real Codex logs in");
  for (const step of steps) t.ok(paths().includes(step), step);
  const ofCodex = proxy.requests().length;

  const daemon = await startDaemon(t, { issuer, env: { CODEX_HOME: codex.path } });
  const login = daemon.startCli(DEVICE, env);
  const { verificationUri, userCode } = JSON.parse(await login.nextLine());
  await approveDevice(verificationUri, userCode, { ca: certificate.ca });
  t.equal((await login.ended).code, 0, "and so do we");
  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  t.equal((await daemon.cli(["refresh"])).code, 0);
  t.equal((await daemon.cli(["logout", "--revoke"])).code, 0);
  const ours = paths().slice(ofCodex);
  t.strictSame(ours.slice(-3), ["POST /oauth/token", "POST /oauth/token", "POST /oauth/revoke"]);
  t.equal(ours[0], steps[0]);

  writeLogin(codex.path, issuer);
  t.equal((await runCodex(["logout"], { home: codex, env })).code, 0);
  t.equal(issuer.requestsTo("revoke").length, 2, "the real Codex revokes through it");
  t.equal(paths().at(-1), "POST /oauth/revoke");
  t.strictSame(issuer.violations, []);
});

t.test("without its CA nobody gets through, and our error says what to do", async (t) => {
  const { certificate, issuer, proxy, codex } = await setUp(t);
  const env = { HTTPS_PROXY: proxy.url, NO_PROXY: undefined };
  t.not(await logInWithCodex(codex, env, { issuer, certificate }), 0, "not the real Codex");

  const daemon = await startDaemon(t, { issuer, env: { CODEX_HOME: codex.path } });
  for (const [more, trusted] of [
    [{}, "the system's roots alone"],
    [
      { CODEX_CA_CERTIFICATE: certificate.caFile },
      `the system's roots and ${certificate.caFile} (CODEX_CA_CERTIFICATE)`,
    ],
  ] as const) {
    const { code, stdout } = await daemon.cli(DEVICE, { env: { ...env, ...more } });
    t.equal(code, 75);
    t.match(JSON.parse(stdout).error.message, `its certificate is not accepted`);
    t.match(JSON.parse(stdout).error.message, `with ${trusted}.`);
  }
  t.equal(issuer.requests.length, 0);
});
