import t from "tap";
import { createTestTerminal, runCli } from "../helpers/cli-run.js";
import { createFakeDaemon, sessionStatus } from "../helpers/fake-daemon.js";

process.env.TZ = "UTC";

const daemon = await createFakeDaemon();
t.teardown(() => daemon.close());

t.test("without a login it says why and what to do, and exits 3", async (t) => {
  daemon.handlers["session/status"] = () =>
    sessionStatus({
      state: "signedOut",
      reason: "There is no auth.json.",
      authMode: null,
      accountId: null,
      email: null,
      planType: null,
      issuer: null,
      flow: null,
      expiresAtMs: null,
      lastRefreshAtMs: null,
      nextRefreshAtMs: null,
    });
  t.same(await runCli(daemon, ["status"]), {
    exitCode: 3,
    stderr: "",
    stdout: [
      "Not logged in. There is no auth.json.",
      "Run `codex-auth login`.",
      "  mode        none",
      "  Codex home  /home/ada/.codex",
      "  storage     file",
      "",
    ].join("\n"),
  });
});

t.test("a login that was refused is told with the true reason", async (t) => {
  daemon.handlers["session/status"] = () =>
    sessionStatus({
      state: "reauthorizationRequired",
      reason: "The issuer refused.",
      lastError: {
        code: "ERR_REFRESH_REJECTED",
        message: "Refused.",
        oauthError: "refresh_token_reused",
        atMs: Date.parse("2026-11-22T11:00:00Z"),
      },
    });
  const { exitCode, stdout } = await runCli(daemon, ["status"]);
  t.equal(exitCode, 3);
  t.match(stdout, /^The login has ended\. Another program had used this login's refresh token before:/);
  t.match(stdout, / {2}last error {4}ERR_REFRESH_REJECTED at 11:00 \(60 minutes ago\): Refused\.\n/);
});

t.test("with a login it shows who, which plan and until when", async (t) => {
  daemon.handlers["session/status"] = () => sessionStatus();
  t.same(await runCli(daemon, ["status"]), {
    exitCode: 0,
    stderr: "",
    stdout: [
      "Logged in as ada@example.com",
      "  plan          plus",
      "  account       acc-1",
      "  token         valid until 13:00 (in 60 minutes)",
      "  refreshed     11:50 (10 minutes ago)",
      "  next refresh  12:30 (in 30 minutes)",
      "  mode          chatgpt",
      "  Codex home    /home/ada/.codex",
      "  storage       file",
      "  issuer        https://auth.openai.com",
      "",
    ].join("\n"),
  });
});

t.test("with a CA file or a proxy it shows them, and who named them", async (t) => {
  const network = {
    caCertificateFile: "/ca.pem",
    caCertificateSource: "SSL_CERT_FILE",
    proxy: "http://proxy:8080",
    proxySource: "HTTPS_PROXY",
    noProxy: null,
  };
  daemon.handlers["session/status"] = () => sessionStatus({ network });
  const { stdout } = await runCli(daemon, ["status"]);
  t.match(
    stdout,
    /\n {2}CA file {7}\/ca\.pem \(SSL_CERT_FILE\)\n {2}proxy {9}http:\/\/proxy:8080 \(HTTPS_PROXY\)\n$/,
  );
});

t.test("--json is the session as the daemon has it, on one line", async (t) => {
  const status = sessionStatus({ state: "signedOut" });
  daemon.handlers["session/status"] = () => status;
  t.same(await runCli(daemon, ["status", "--json"]), {
    exitCode: 3,
    stderr: "",
    stdout: `${JSON.stringify(status)}\n`,
  });
});

t.test("--codex-home is made absolute, and the folder of the caller goes along", async (t) => {
  daemon.handlers["session/status"] = () => sessionStatus();
  await runCli(daemon, ["status", "--codex-home", "work"]);
  t.match(daemon.calls.at(-1)?.params, {
    codexHome: `${daemon.folder}/work`,
    childEnvironment: { cwd: daemon.folder },
  });
});

t.test("what is unsaved, expired or warned of is plain to see", async (t) => {
  daemon.handlers["session/status"] = () =>
    sessionStatus({
      storageState: "pending",
      refreshInFlight: true,
      expiresAtMs: Date.parse("2026-11-20T12:00:00Z"),
      warnings: ["Another Codex refreshes this file too."],
    });
  const { stdout } = await runCli(daemon, ["status"]);
  t.match(stdout, /token {9}expired at 2026-11-20 12:00 \(2 days ago\)/);
  t.match(stdout, /next refresh {2}now/);
  t.match(stdout, /storage {7}file, NOT WRITTEN YET/);
  t.match(stdout, /\nwarning: Another Codex refreshes this file too\.\n$/);
});

t.test("foreign text cannot steer the terminal", async (t) => {
  daemon.handlers["session/status"] = () =>
    sessionStatus({ email: "a\u001b[2Jb\nc\u202ed@example.com", warnings: ["x\u0007y"] });
  const { stdout } = await runCli(daemon, ["status"]);
  t.match(stdout, /^Logged in as ab c d@example\.com\n/);
  t.match(stdout, /warning: x y\n$/);
});

t.test("list shows a table, and none as none", async (t) => {
  daemon.handlers["session/list"] = () => ({
    sessions: [
      sessionStatus(),
      sessionStatus({
        state: "signedOut",
        email: null,
        accountId: null,
        planType: null,
        expiresAtMs: null,
        authMode: null,
        codexHome: "/w",
      }),
      sessionStatus({
        state: "reauthorizationRequired",
        email: null,
        accountId: "acc-22",
        planType: "unknown",
      }),
    ],
  });
  t.same(await runCli(daemon, ["list"]), {
    exitCode: 0,
    stderr: "",
    stdout: [
      "STATE          ACCOUNT          PLAN     VALID UNTIL            CODEX HOME",
      "logged in      ada@example.com  plus     13:00 (in 60 minutes)  /home/ada/.codex",
      "not logged in  none             none     none                   /w",
      "login ended    acc-22           unknown  13:00 (in 60 minutes)  /home/ada/.codex",
      "",
    ].join("\n"),
  });
  daemon.handlers["session/list"] = () => ({ sessions: [] });
  t.match(await runCli(daemon, ["list"]), { stdout: "No sessions. Run `codex-auth login`.\n" });
  t.match(await runCli(daemon, ["list", "--json"]), { stdout: '{"sessions":[]}\n' });
});

t.test("colours are for terminals that have them", async (t) => {
  daemon.handlers["session/status"] = () => sessionStatus();
  for (const [isTTY, hasColors, wanted] of [
    [true, true, true],
    [true, false, false],
    [false, true, false],
  ]) {
    const terminal = createTestTerminal(daemon);
    Object.assign(terminal.stdout, { isTTY, hasColors: () => hasColors });
    const { stdout } = await runCli(daemon, ["status"], terminal);
    t.equal(stdout.includes("\u001b["), wanted, `terminal ${isTTY}, colours ${hasColors}`);
  }
});
