import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AuthError } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { run } from "#client/cli/program.js";
import { createTestTerminal, runCli } from "../helpers/cli-run.js";
import { createFakeDaemon, type FakeDaemon, sessionStatus } from "../helpers/fake-daemon.js";
import { createImpatientClock } from "../helpers/impatient-clock.js";

process.env.TZ = "UTC";

const LOGIN_ID = "00000000-0000-4000-8000-000000000001";
const EXPIRES_AT_MS = Date.parse("2026-11-22T12:15:00Z");
const COMMON = {
  loginId: LOGIN_ID,
  codexHome: "/home/ada/.codex",
  expiresAtMs: EXPIRES_AT_MS,
  reason: "there is a display",
  warnings: [],
  fallback: null,
};
const BROWSER = {
  ...COMMON,
  flow: "browser",
  authorizationUrl: "https://auth.openai.com/oauth/authorize?x=1",
  redirectUri: "http://localhost:1455/auth/callback",
};
const DEVICE = {
  ...COMMON,
  flow: "device",
  verificationUri: "https://auth.openai.com/codex/device",
  userCode: "ABCD-12345",
};
const SENTENCE = "Logged in as ada@example.com, plan plus, valid until 13:00 (in 60 minutes).\n";

async function setUp(t: Test, pending: object = BROWSER): Promise<FakeDaemon> {
  const daemon = await createFakeDaemon({
    "session/status": () => sessionStatus({ state: "signedOut", reason: "No login." }),
    "login/begin": () => pending,
    "login/await": () => ({ state: "loggedIn", status: sessionStatus() }),
    "login/cancel": () => ({ cancelled: true }),
  });
  t.teardown(() => daemon.close());
  return daemon;
}

/** A login that nobody finishes; resolves when the wait for it begins. */
function neverFinished(daemon: FakeDaemon): Promise<void> {
  return new Promise((resolve) => {
    daemon.handlers["login/await"] = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
}

t.test("without a person it begins nothing and exits 3", async (t) => {
  const daemon = await setUp(t);
  t.match(await runCli(daemon, ["login", "--no-interactive"]), {
    exitCode: 3,
    stderr: /needs a person/,
  });
  t.equal(daemon.count("login/begin"), 0);
});

t.test("a login that fails says why", async (t) => {
  const daemon = await setUp(t);
  daemon.handlers["login/await"] = () => {
    throw new AuthError("ERR_LOGIN_DENIED", "The issuer says: access_denied.", {
      oauthError: "access_denied",
    });
  };
  const { exitCode, stdout, stderr } = await runCli(daemon, ["login", "--no-browser"]);
  t.equal(exitCode, 5);
  t.equal(stdout, "");
  t.match(stderr, /error: The issuer says: access_denied\. \(ERR_LOGIN_DENIED\)/);
});

t.test("an existing login is answered as it is, unless --force is given", async (t) => {
  const daemon = await setUp(t);
  daemon.handlers["session/status"] = () => sessionStatus();
  t.same(await runCli(daemon, ["login"]), {
    exitCode: 0,
    stdout: SENTENCE,
    stderr: "Already logged in. Use --force to log in again.\n",
  });
  t.equal(daemon.count("login/begin"), 0);
  await runCli(daemon, ["login", "--force", "--no-browser"]);
  t.equal(daemon.count("login/begin"), 1);
});

t.test("a login that had ended is explained first", async (t) => {
  const daemon = await setUp(t);
  daemon.handlers["session/status"] = () =>
    sessionStatus({
      state: "reauthorizationRequired",
      lastError: {
        code: "ERR_REFRESH_REJECTED",
        message: "No.",
        oauthError: "refresh_token_reused",
        atMs: 0,
      },
    });
  const { stderr } = await runCli(daemon, ["login", "--no-browser"]);
  t.match(stderr, /^The last login has ended\. Another program had used/);
});

t.test("browser: the address is shown, and at the end who is logged in", async (t) => {
  const daemon = await setUp(t);
  t.same(await runCli(daemon, ["login", "--browser", "--no-browser", "--callback-port", "0"]), {
    exitCode: 0,
    stdout: SENTENCE,
    stderr: `Open this address in a browser to log in:\n\n${BROWSER.authorizationUrl}\n\n`,
  });
  const begin = daemon.calls.find((call) => call.method === "login/begin");
  t.match(begin?.params, { flow: "browser", callbackPort: 0, childEnvironment: { cwd: daemon.folder } });
});

t.test("browser: it is opened with the address", async (t) => {
  const daemon = await setUp(t);
  const program = join(t.testdir(), "browser");
  await writeFile(program, '#!/bin/sh\nprintf %s "$1" > "$0.seen"\n');
  await chmod(program, 0o700);
  const terminal = createTestTerminal(daemon, { BROWSER: program });
  t.match(await runCli(daemon, ["login"], terminal), { exitCode: 0, stderr: /which opens now/ });
  t.equal(await readFile(`${program}.seen`, "utf8"), BROWSER.authorizationUrl);
});

t.test("browser: one that does not open is said, and the login goes on", async (t) => {
  const daemon = await setUp(t);
  const terminal = createTestTerminal(daemon, { BROWSER: "/no/browser" });
  t.match(await runCli(daemon, ["login"], terminal), {
    exitCode: 0,
    stderr: /No browser could be opened: .*ENOENT.* Open the address yourself\.\n$/,
  });
});

t.test("a flow that may not work here is begun with a warning", async (t) => {
  const daemon = await setUp(t, { ...BROWSER, warnings: ["This is an SSH session."] });
  const { stderr } = await runCli(daemon, ["login", "--browser", "--no-browser"]);
  t.match(stderr, /^warning: This is an SSH session\.\nOpen this address/);
  t.notMatch((await runCli(daemon, ["login", "--paste", "--no-browser"])).stderr, "warning:");
});

/** A terminal in WSL, whose person does not come back from the browser; `code` is what the issuer says to a device login. */
async function waitInWsl(t: Test, code: () => object) {
  const daemon = await setUp(t);
  neverFinished(daemon);
  daemon.handlers["login/begin"] = ({ flow }) => {
    if (flow !== "device") return { ...BROWSER, fallback: "device" };
    daemon.handlers["login/await"] = () => ({ state: "loggedIn", status: sessionStatus() });
    return code();
  };
  const terminal = { ...createTestTerminal(daemon), clock: createImpatientClock() };
  return run(["login", "--no-browser"], terminal).then((exitCode) => ({ exitCode, ...terminal.written }));
}

t.test("WSL: a code follows when the browser does not come back, and the address is over", async (t) => {
  const { exitCode, stderr } = await waitInWsl(t, () => DEVICE);
  t.equal(exitCode, 0);
  t.match(stderr, /within 3 minutes, a code follows[\s\S]* it is not valid any more\.\n[\s\S]*ABCD-12345/);
});

t.test("WSL: when there is no code either, the address stays valid", async (t) => {
  const { exitCode, stderr } = await waitInWsl(t, () => {
    throw new AuthError("ERR_LOGIN_DENIED", "Device code login is not enabled.");
  });
  t.equal(exitCode, 0);
  t.match(stderr, /did not come back .*; it stays valid\. Device code login is not enabled\.\n$/);
});

t.test("device: the code stands out", async (t) => {
  const daemon = await setUp(t, DEVICE);
  t.same(await runCli(daemon, ["login", "--device"]), {
    exitCode: 0,
    stdout: SENTENCE,
    stderr: [
      "Log in with a browser on any device:",
      "",
      "  1. Open   https://auth.openai.com/codex/device",
      "  2. Enter  this code:",
      "",
      "       ┌──────────────┐",
      "       │  ABCD-12345  │",
      "       └──────────────┘",
      "",
      "The code is valid until 12:15 (in 15 minutes).",
      "Continue only if you started this login. If somebody gave you the code, cancel.",
      "",
      "",
    ].join("\n"),
  });
});

t.test("--json is one object a line: authorization, then loggedIn", async (t) => {
  for (const [pending, wanted] of [
    [BROWSER, { flow: "browser", authorizationUrl: BROWSER.authorizationUrl }],
    [DEVICE, { flow: "device", verificationUri: DEVICE.verificationUri, userCode: DEVICE.userCode }],
  ] as const) {
    const daemon = await setUp(t, pending);
    const { exitCode, stdout, stderr } = await runCli(daemon, ["login", "--no-browser", "--json"]);
    t.match({ exitCode, stderr }, { exitCode: 0, stderr: "" });
    t.same(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
      [
        { event: "authorization", ...wanted, expiresAtMs: EXPIRES_AT_MS },
        { event: "loggedIn", ...sessionStatus() },
      ],
    );
  }
});

t.test("Ctrl-C cancels the login at the daemon and exits 130, SIGTERM 143", async (t) => {
  for (const [signal, wanted] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const daemon = await setUp(t);
    const terminal = createTestTerminal(daemon);
    const waiting = neverFinished(daemon);
    const run = runCli(daemon, ["login", "--no-browser"], terminal);
    await waiting;
    terminal.interrupt(signal);
    t.match(await run, { exitCode: wanted, stderr: /The login was cancelled/ });
    t.equal(daemon.count("login/cancel"), 1);
  }
});

t.test(
  "--paste finishes the login with the address, asks again for another, and never shows it",
  async (t) => {
    const daemon = await setUp(t);
    let finish: (answer: object) => void = () => undefined;
    daemon.handlers["login/await"] = () => new Promise((resolve) => (finish = resolve));
    daemon.handlers["login/complete"] = ({ redirectUrl }) => {
      t.equal(redirectUrl, `${BROWSER.redirectUri}?code=secret&state=s`);
      finish({ state: "loggedIn", status: sessionStatus() });
      return { status: sessionStatus() };
    };
    const terminal = createTestTerminal(daemon);
    const run = runCli(daemon, ["login", "--paste", "--no-browser"], terminal);
    await terminal.shown("paste it here");
    terminal.stdin.write("https://evil.example/?code=secret\n\n");
    await terminal.shown("That is not it");
    terminal.stdin.write(`  ${BROWSER.redirectUri}?code=secret&state=s \n`);
    const { exitCode, stdout, stderr } = await run;
    t.match({ exitCode, stdout }, { exitCode: 0, stdout: SENTENCE });
    t.notMatch(stderr, "secret");
  },
);

t.test("--paste fails as the daemon says, and goes on waiting when the input ends", async (t) => {
  const daemon = await setUp(t);
  neverFinished(daemon);
  daemon.handlers["login/complete"] = () => {
    throw new AuthError("ERR_LOGIN_DENIED", "The state is another one.");
  };
  const terminal = createTestTerminal(daemon);
  terminal.stdin.end(`${BROWSER.redirectUri}?code=x&state=y\n`);
  t.match(await runCli(daemon, ["login", "--paste", "--no-browser"], terminal), {
    exitCode: 5,
    stderr: /The state is another one/,
  });

  const waiting = neverFinished(daemon);
  const patient = createTestTerminal(daemon);
  patient.stdin.end();
  const run = runCli(daemon, ["login", "--paste", "--no-browser"], patient);
  await Promise.all([waiting, once(patient.stdin, "close")]);
  patient.interrupt("SIGINT");
  t.match(await run, { exitCode: 130 });
});

t.test("a redirect that does not come is asked for after a minute, where a person can type", async (t) => {
  const daemon = await setUp(t);
  const terminal = createTestTerminal(daemon);
  Object.assign(terminal.stdin, { isTTY: true });
  const waiting = neverFinished(daemon);
  const run = runCli(daemon, ["login", "--no-browser"], terminal);
  await waiting;
  await terminal.clock.advance(59_999);
  t.notMatch(terminal.written.stderr, "paste it here");
  await terminal.clock.advance(1);
  t.match(terminal.written.stderr, "paste it here");
  terminal.interrupt("SIGINT");
  await run;
});

t.test("a terminal sees the time that is left, and nothing of it stays", async (t) => {
  const daemon = await setUp(t, DEVICE);
  const terminal = createTestTerminal(daemon);
  Object.assign(terminal.stderr, {
    isTTY: true,
    columns: 40,
    cursorTo() {},
    clearLine() {},
    moveCursor() {},
  });
  const waiting = neverFinished(daemon);
  const run = runCli(daemon, ["login"], terminal);
  await waiting;
  t.match(terminal.written.stderr, "Waiting for the code to be entered, 15:00 left, Ctrl-C cancels");
  await terminal.clock.advance(1_000);
  t.match(terminal.written.stderr, "14:59 left");
  terminal.interrupt("SIGINT");
  t.match(await run, { exitCode: 130 });
});
