/** A real TLS issuer with an authority of its own, behind a real proxy: the real daemon and CLI, from login to revocation. */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import t, { type Test } from "tap";
import { createHttp } from "#daemon/net/http.js";
import { networkOfEnvironment } from "#daemon/net/network-settings.js";
import { createTrustStore } from "#daemon/net/trust.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveDevice, approveLogin } from "../helpers/browser-user.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { startProxy } from "../helpers/proxy-server.js";
import { requireTools } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { createExpiredAuthority, createTlsCertificate } from "../helpers/tls-certificate.js";
import { until } from "../helpers/until.js";

requireTools("openssl");

async function setUp(t: Test, host = "127.0.0.1") {
  const folder = temporaryFolder(t);
  const certificate = createTlsCertificate(host, folder);
  const issuer = await startAuthorizationServer(t, { tls: certificate });
  const authority = new URL(issuer.url).host;
  return { folder, certificate, issuer, authority };
}

/** What a daemon asks of an issuer; the rest is the person's browser. */
const OURS = ["usercode", "deviceToken", "token", "refresh", "revoke"] as const;

const BROWSER = ["login", "--browser", "--no-browser", "--json", "--force"];
const DEVICE = ["login", "--device", "--json", "--force"];

async function logIn(
  daemon: Daemon,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ca: string,
): Promise<void> {
  const login = daemon.startCli(args, env);
  const { flow, authorizationUrl, verificationUri, userCode } = JSON.parse(await login.nextLine());
  if (flow === "browser") await approveLogin(authorizationUrl, { ca });
  else await approveDevice(verificationUri, userCode, { ca });
  const { code, stderr } = await login.ended;
  if (code !== 0) throw new Error(`The login failed: ${stderr}`);
}

/** What a command that fails says with `--json`. */
async function failureOf(daemon: Daemon, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { code, stdout } = await daemon.cli([...args, "--json"], { env });
  return { exitCode: code, ...JSON.parse(stdout.trim().split("\n").at(-1) ?? "").error };
}

t.test(
  "login, refresh and revocation trust the CA and take the proxy of the login, with credentials, after a restart too",
  async (t) => {
    const { certificate, issuer, authority } = await setUp(t);
    const proxy = await startProxy(t, { credentials: "me:pass-word" });
    const env = {
      CODEX_CA_CERTIFICATE: certificate.caFile,
      SSL_CERT_FILE: "/nowhere/other.pem",
      HTTPS_PROXY: `http://me:pass-word@${proxy.host}`,
    };
    const first = await startDaemon(t, { issuer });
    for (const args of [BROWSER, DEVICE]) await logIn(first, args, env, certificate.ca);
    const words = (await first.cli(["status"])).stdout;
    t.match(words, `CA file       ${certificate.caFile} (CODEX_CA_CERTIFICATE)`);
    t.match(words, `proxy         ${proxy.url} (HTTPS_PROXY)`);
    t.equal(await first.stop(), 0);

    const second = await startDaemon(t, { issuer, home: first.home });
    t.equal((await second.cli(["refresh"])).code, 0);
    t.equal((await second.cli(["logout", "--revoke"])).code, 0);
    const sent = OURS.flatMap((endpoint) => issuer.requestsTo(endpoint));
    const tunnels = proxy.requests.map(({ method, target }) => `${method} ${target}`);
    t.strictSame(
      tunnels,
      sent.map(() => `CONNECT ${authority}`),
      "a tunnel for each request, and for nothing else",
    );
    t.equal(issuer.exchanges, 1);
    t.strictSame(issuer.violations, []);
    for (const daemon of [first, second]) t.notMatch(daemon.log(), "pass-word");
    t.match(second.log(), `"caCertificateFile":"${certificate.caFile}","proxy":"${proxy.url}"`);
  },
);

t.test("an authority in the system's own bundle is trusted without being named", async (t) => {
  const { certificate, issuer } = await setUp(t);
  const { hostname: host, port } = new URL(issuer.url);
  for (const [bundle, isTrusted] of [
    [certificate.caFile, true],
    ["/nowhere.pem", false],
  ] as const) {
    const { secureContext } = createTrustStore(["/nowhere.pem", bundle]).trustIn(null);
    const socket = connect({ host, port: Number(port), secureContext, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    t.equal(socket.authorized, isTrusted);
    socket.destroy();
  }
});

t.test("config.toml's CA file and proxy serve an adopted login, and win over those of a login", async (t) => {
  const { certificate, issuer, authority } = await setUp(t);
  const [proxy, other] = [await startProxy(t), await startProxy(t)];
  const config = { ca_certificate_file: certificate.caFile, https_proxy: proxy.url };
  const daemon = await startDaemon(t, { issuer, config });
  writeLogin(daemon.codexHome, issuer);
  t.equal((await daemon.cli(["refresh"])).code, 0);
  t.match(proxy.requests, [{ method: "CONNECT", target: authority }]);
  await logIn(daemon, DEVICE, { SSL_CERT_FILE: "/nowhere.pem", ALL_PROXY: other.url }, certificate.ca);
  t.strictSame(other.requests, []);
});

t.test("a proxy that is itself reached over TLS has to be trusted too", async (t) => {
  const { certificate, issuer, authority } = await setUp(t);
  const proxy = await startProxy(t, { tls: certificate });
  const daemon = await startDaemon(t, { issuer });
  const { message } = await failureOf(daemon, DEVICE, { HTTPS_PROXY: proxy.url });
  t.match(message, `the proxy ${proxy.url} (HTTPS_PROXY) cannot be reached: its certificate is not accepted`);
  t.strictSame(proxy.requests, []);
  await logIn(daemon, DEVICE, { HTTPS_PROXY: proxy.url, SSL_CERT_FILE: certificate.caFile }, certificate.ca);
  t.match(proxy.requests[0], { method: "CONNECT", target: authority });
});

t.test("a 407 that comes out of the tunnel is the server's own, and an answer", async (t) => {
  const certificate = createTlsCertificate("127.0.0.1", temporaryFolder(t));
  const server = createServer(certificate, (_, response) => response.writeHead(407).end()).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  t.teardown(() => server.close());
  const proxy = await startProxy(t);
  const settings = networkOfEnvironment({
    cwd: "/",
    variables: { CODEX_CA_CERTIFICATE: certificate.caFile, HTTPS_PROXY: proxy.url },
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const request = { method: "GET", url, headers: {}, deadlineMs: 30_000 } as const;
  t.match(await createHttp().through(settings).request(request), { status: 407 });
});

t.test("without the CA the error names what was trusted, and the cure; nothing was sent", async (t) => {
  const { issuer, authority } = await setUp(t);
  const unrelated = createTlsCertificate("127.0.0.1", temporaryFolder(t));
  const daemon = await startDaemon(t, { issuer });
  const bare = await failureOf(daemon, DEVICE);
  t.match(bare, { exitCode: 75, code: "ERR_ISSUER_UNAVAILABLE", retryable: true });
  t.match(
    bare.message,
    new RegExp(
      `The request to ${authority} could not be sent: its certificate is not accepted \\(.*\\) with the system's roots alone\\. .*CODEX_CA_CERTIFICATE`,
    ),
  );
  const wrong = await failureOf(daemon, DEVICE, { SSL_CERT_FILE: unrelated.caFile });
  t.match(
    wrong.message,
    `with the system's roots and ${unrelated.caFile} (SSL_CERT_FILE). Add the certificate`,
  );
  t.equal(issuer.requests.length, 0);
});

t.test(
  "a stale bundle is named, with the date; the renewed file counts at once, and the login was never lost",
  async (t) => {
    const { folder, certificate, issuer } = await setUp(t);
    const bundle = join(folder, "bundle.pem");
    writeFileSync(bundle, certificate.ca);
    const daemon = await startDaemon(t, { issuer });
    await logIn(daemon, DEVICE, { SSL_CERT_FILE: bundle }, certificate.ca);

    writeFileSync(bundle, readFileSync(createExpiredAuthority(folder)));
    const stale = await failureOf(daemon, ["refresh"]);
    t.match(stale, { exitCode: 75, code: "ERR_ISSUER_UNAVAILABLE" });
    t.match(
      stale.message,
      `${bundle} (SSL_CERT_FILE). In that file the certificate of "CN=Test authority" was valid until Jan  2 00:00:00 2020 GMT. Renew`,
    );
    t.match(JSON.parse((await daemon.cli(["status", "--json"])).stdout), { state: "active" });
    t.equal((await daemon.cli(["token"])).code, 0);

    writeFileSync(bundle, `${readFileSync(join(folder, "expired.pem"))}\n${certificate.ca}`);
    await until("the refresh is tried again", async () => (await daemon.cli(["refresh"])).code === 0);
    t.equal(issuer.exchanges, 1);
  },
);

t.test("a certificate for another host is told as such", async (t) => {
  const { certificate, issuer } = await setUp(t, "other.example");
  const daemon = await startDaemon(t, { issuer });
  const { message } = await failureOf(daemon, DEVICE, { CODEX_CA_CERTIFICATE: certificate.caFile });
  t.match(
    message,
    /its certificate is not accepted \(Hostname\/IP does not match.*\) with .*Somebody else answers/,
  );
  t.equal(issuer.requests.length, 0);
});

t.test(
  "a proxy that refuses the password, and a bundle that is gone, end a login before anybody has agreed to it",
  async (t) => {
    const { certificate, issuer } = await setUp(t);
    const { host, url } = await startProxy(t, { credentials: "me:right" });
    const daemon = await startDaemon(t, { issuer });
    const env = { CODEX_CA_CERTIFICATE: certificate.caFile, https_proxy: `http://me:wrong-one@${host}` };
    const refused = await failureOf(daemon, DEVICE, env);
    t.match(refused.message, `the proxy ${url} (https_proxy) refuses the user name or the password (407)`);
    t.notMatch(refused.message + daemon.log(), "wrong-one");
    const gone = await failureOf(daemon, BROWSER, { CODEX_CA_CERTIFICATE: "gone.pem" });
    t.match(gone, { exitCode: 1, code: "ERR_CONFIG_INVALID" });
    t.match(
      gone.message,
      `The CA file ${daemon.home}/gone.pem, which CODEX_CA_CERTIFICATE names, cannot be read (ENOENT)`,
    );
    t.equal(issuer.requests.length, 0);
  },
);
