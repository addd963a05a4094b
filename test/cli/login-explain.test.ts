import t from "tap";
import { createTestTerminal, runCli } from "../helpers/cli-run.js";
import { createFakeDaemon, type FakeDaemon } from "../helpers/fake-daemon.js";

const PLAN = {
  flow: "browser",
  fallback: "device",
  reason: "this is WSL, which opens the browser of Windows (WSL_INTEROP is set)",
  changes: ["`--device` begins with the code."],
  warnings: ["It may rain."],
  ports: [1455, 1457],
  redirectHost: "localhost",
  issuer: "https://auth.openai.com",
  sessionState: "signedOut",
};

async function setUp(t: { teardown(end: () => unknown): void }): Promise<FakeDaemon> {
  const daemon = await createFakeDaemon({ "login/explain": () => PLAN });
  t.teardown(() => daemon.close());
  return daemon;
}

t.test("flow, reason, ports, issuer and what would change it, and nothing is begun", async (t) => {
  const daemon = await setUp(t);
  t.same(await runCli(daemon, ["login", "--explain"]), {
    exitCode: 0,
    stderr: "",
    stdout: [
      "flow     browser",
      "because  this is WSL, which opens the browser of Windows (WSL_INTEROP is set)",
      "then     device: a code, for a browser on any device, when no redirect arrives",
      "ports    1455, then 1457 of localhost",
      "issuer   https://auth.openai.com",
      "session  not logged in",
      "`--device` begins with the code.",
      "warning: It may rain.",
      "",
    ].join("\n"),
  });
  t.same(
    daemon.calls.map(({ method }) => method),
    ["login/explain"],
  );
});

t.test("--json is the daemon's answer", async (t) => {
  const daemon = await setUp(t);
  const { stdout } = await runCli(daemon, ["login", "--explain", "--json"]);
  t.same(JSON.parse(stdout), PLAN);
});

t.test("the caller's wishes, variables, platform and container go along", async (t) => {
  const daemon = await setUp(t);
  const terminal = {
    ...createTestTerminal(daemon, { SSH_TTY: "/dev/pts/0", SECRET: "x" }),
    surroundings: { platform: "darwin", fileExists: (path: string) => path === "/.dockerenv" },
  };
  await runCli(
    daemon,
    ["login", "--explain", "--device", "--no-interactive", "--callback-port", "7"],
    terminal,
  );
  t.match(daemon.calls[0]?.params, { flow: "device", interactive: false, callbackPort: 7 });
  t.same(daemon.calls[0]?.params.childEnvironment, {
    cwd: daemon.folder,
    variables: { HOME: daemon.folder, SSH_TTY: "/dev/pts/0" },
    platform: "darwin",
    markers: ["/.dockerenv"],
  });
});

t.test("without a daemon it starts none, and tells the flow all the same", async (t) => {
  const daemon = await setUp(t);
  await daemon.close();
  const terminal = createTestTerminal(daemon, { SSH_TTY: "/dev/pts/0" });
  const { exitCode, stdout } = await runCli(daemon, ["login", "--explain"], terminal);
  t.equal(exitCode, 0);
  t.match(stdout, /^flow +device.*\nbecause +this is an SSH session.*\nports +not known: no daemon runs/);
  const { stdout: json } = await runCli(
    daemon,
    ["login", "--explain", "--json"],
    createTestTerminal(daemon, { CI: "true" }),
  );
  t.match(JSON.parse(json), { flow: "none", ports: null, issuer: null, sessionState: null });
});
