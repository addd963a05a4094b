import { AuthError } from "@codex-authd/shared";
import t from "tap";
import { runCli } from "../helpers/cli-run.js";
import { createFakeDaemon, sessionStatus } from "../helpers/fake-daemon.js";

process.env.TZ = "UTC";

const TOKEN = {
  accessToken: "eyJ.token",
  expiresAtMs: 1_795_352_400_000,
  accountId: "acc-1",
  planType: "plus",
  generation: 7,
};

const daemon = await createFakeDaemon({ "token/get": () => TOKEN });
t.teardown(() => daemon.close());

t.test("token prints the token alone, or the whole answer", async (t) => {
  t.same(await runCli(daemon, ["token", "--min-validity", "300"]), {
    exitCode: 0,
    stdout: "eyJ.token\n",
    stderr: "",
  });
  t.equal(daemon.calls.at(-1)?.params.minValidityMs, 300_000);
  t.match(await runCli(daemon, ["token", "--json"]), { exitCode: 0, stdout: `${JSON.stringify(TOKEN)}\n` });
});

t.test("refresh says what there is now", async (t) => {
  daemon.handlers["session/refresh"] = () => sessionStatus();
  t.same(await runCli(daemon, ["refresh"]), {
    exitCode: 0,
    stderr: "",
    stdout: "Logged in as ada@example.com, plan plus, valid until 13:00 (in 60 minutes).\n",
  });
});

t.test("logout is local unless --revoke is given", async (t) => {
  daemon.handlers["session/logout"] = ({ revoke }) => ({
    loggedOut: true,
    revoked: revoke,
    revocationError: null,
  });
  t.match(await runCli(daemon, ["logout"]), { exitCode: 0, stdout: "Logged out.\n" });
  t.equal(daemon.calls.at(-1)?.params.revoke, false);
  t.match(await runCli(daemon, ["logout", "--revoke"]), { exitCode: 0, stdout: /every machine/ });
  daemon.handlers["session/logout"] = () => ({ loggedOut: false, revoked: false, revocationError: null });
  t.match(await runCli(daemon, ["logout"]), { exitCode: 0, stdout: "There was no login to forget.\n" });
});

t.test("a revocation that failed exits 1, and is not hidden by the local logout", async (t) => {
  daemon.handlers["session/logout"] = () => ({
    loggedOut: true,
    revoked: false,
    revocationError: "The issuer did not answer.",
  });
  t.same(await runCli(daemon, ["logout", "--revoke"]), {
    exitCode: 1,
    stdout: "Logged out.\n",
    stderr: [
      "error: The login was not revoked: The issuer did not answer.",
      "  Other machines that share it stay signed in. End it in the account's security settings.",
      "",
    ].join("\n"),
  });
});

t.test("daemon status and start show the running daemon", async (t) => {
  daemon.handlers["daemon/status"] = () => ({
    version: "0.1.0",
    protocolVersion: 1,
    pid: 42,
    startedAtMs: Date.parse("2026-11-22T11:00:00Z"),
    socket: "/run/d.sock",
    sessionCount: 1,
    warnings: ["Something is missing."],
  });
  const stdout = [
    "The daemon is running: codex-authd 0.1.0, process 42, 1 session.",
    "  since   11:00 (60 minutes ago)",
    "  socket  /run/d.sock",
    "  warning Something is missing.",
    "",
  ].join("\n");
  t.match(await runCli(daemon, ["daemon", "status"]), { exitCode: 0, stdout });
  t.match(await runCli(daemon, ["daemon", "start"]), { exitCode: 0, stdout });
});

t.test("daemon stop waits for the end of the process, and none is no error", async (t) => {
  daemon.handlers["daemon/status"] = () => ({ pid: 2 ** 30 });
  daemon.handlers["daemon/shutdown"] = () => ({ stopping: true });
  t.match(await runCli(daemon, ["daemon", "stop"]), { exitCode: 0, stdout: "The daemon has stopped.\n" });
  t.match(await runCli(daemon, ["daemon", "stop", "--json"]), { stdout: '{"stopped":true}\n' });
  t.match(await runCli(daemon, ["daemon", "stop", "--socket", "none.sock"]), {
    exitCode: 0,
    stdout: "No daemon is running.\n",
  });
});

t.test("token never starts a login", async (t) => {
  daemon.handlers["token/get"] = () => {
    throw new AuthError("ERR_LOGIN_REQUIRED", "Nobody is logged in.");
  };
  t.match(await runCli(daemon, ["token"]), { exitCode: 3, stdout: "", stderr: /codex-auth login/ });
  t.equal(daemon.count("login/begin"), 0);
});
