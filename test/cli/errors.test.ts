import { AUTH_ERRORS, AuthError, type AuthErrorCode, CLIENT_ERRORS } from "@codex-authd/shared";
import t from "tap";
import { EXIT_CODES } from "#client/cli/exit-codes.js";
import { runCli } from "../helpers/cli-run.js";
import { createFakeDaemon } from "../helpers/fake-daemon.js";

const daemon = await createFakeDaemon();
t.teardown(() => daemon.close());

t.test("wrong usage exits 2 with a hint, and with --json as an object too", async (t) => {
  for (const argv of [
    ["no-such-command"],
    ["status", "--no-such-option"],
    ["status", "extra"],
    ["token", "--min-validity", "-1"],
    ["token", "--min-validity", "86401"],
    ["login", "--callback-port", "65536"],
    ["login", "--browser", "--device"],
    ["daemon", "dance"],
    [],
  ]) {
    const { exitCode, stdout, stderr } = await runCli(daemon, argv);
    t.match({ exitCode, stdout }, { exitCode: 2, stdout: "" }, argv.join(" "));
    t.not(stderr, "");
  }
  const { stdout } = await runCli(daemon, ["status", "--json", "--nope"]);
  t.match(JSON.parse(stdout), { error: { code: "ERR_USAGE", message: /--nope/, retryable: false } });
});

t.test("an error has three parts: what happened, why, what to do", async (t) => {
  daemon.handlers["session/status"] = () => {
    throw new AuthError("ERR_STORAGE_CORRUPT", "/home/ada/.codex/auth.json is not JSON.");
  };
  t.same(await runCli(daemon, ["status"]), {
    exitCode: 1,
    stdout: "",
    stderr: [
      "error: /home/ada/.codex/auth.json is not JSON. (ERR_STORAGE_CORRUPT)",
      "  why: auth.json, or the keyring's entry, is there but cannot be understood.",
      "  do:  Repair the file that the message names, or run `codex-auth login` to replace it (a copy is kept).",
      "",
    ].join("\n"),
  });
  t.same(await runCli(daemon, ["status", "--json"]), {
    exitCode: 1,
    stderr: "",
    stdout: `${JSON.stringify({
      error: {
        code: "ERR_STORAGE_CORRUPT",
        message: "/home/ada/.codex/auth.json is not JSON.",
        retryable: false,
      },
    })}\n`,
  });
});

t.test("a refused refresh token is explained by the issuer's own code", async (t) => {
  for (const [oauthError, words] of [
    ["refresh_token_reused", /why: Another program had used/],
    ["refresh_token_expired", /why: The login was not used for so long/],
    ["refresh_token_invalidated", /why: The login was revoked/],
    ["something_new", /why: The issuer will not accept the refresh token any more/],
  ] as const) {
    daemon.handlers["session/refresh"] = () => {
      throw new AuthError("ERR_REFRESH_REJECTED", "Refused.", { oauthError });
    };
    t.match(await runCli(daemon, ["refresh"]), { exitCode: 3, stderr: words }, oauthError);
  }
});

t.test("every error has its exit code", async (t) => {
  t.same(Object.keys(EXIT_CODES), [...Object.keys(AUTH_ERRORS), ...Object.keys(CLIENT_ERRORS)].sort());
  for (const code of Object.keys(AUTH_ERRORS) as AuthErrorCode[]) {
    daemon.handlers["session/refresh"] = () => {
      throw new AuthError(code, "Words.");
    };
    const { exitCode, stdout } = await runCli(daemon, ["refresh", "--json"]);
    t.equal(exitCode, EXIT_CODES[code], code);
    t.equal(JSON.parse(stdout).error.retryable, exitCode === 75, `${code}: 75 is what may be tried again`);
  }
});

t.test("no daemon exits 4, and says how to start one", async (t) => {
  const argv = ["status", "--no-autostart", "--socket", `${daemon.folder}/none.sock`];
  t.match(await runCli(daemon, argv), {
    exitCode: 4,
    stderr: /No daemon listens on .*none\.sock.*daemon start/,
  });
  t.match(await runCli(daemon, ["daemon", "status", "--socket", "none.sock"]), { exitCode: 4 });
});

t.test("a daemon of another protocol exits 4, and can still be stopped", async (t) => {
  daemon.protocol = "2";
  t.teardown(() => {
    daemon.protocol = "1";
  });
  t.match(await runCli(daemon, ["status"]), { exitCode: 4, stderr: /Upgrade this client/ });
  t.match(await runCli(daemon, ["daemon", "stop"]), { exitCode: 0 });
  t.equal(daemon.count("daemon/shutdown"), 1);
});

t.test("help and version exit 0; help has examples and the exit codes", async (t) => {
  t.match(await runCli(daemon, ["--version"]), { exitCode: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  t.match(await runCli(daemon, ["--help"]), { exitCode: 0, stdout: /75 try again later/ });
  for (const command of ["login", "status", "list", "token", "refresh", "logout"]) {
    const { exitCode, stdout } = await runCli(daemon, [command, "--help"]);
    t.match({ exitCode, stdout }, { exitCode: 0, stdout: /Examples?:\n {2}\S/ }, command);
  }
});
