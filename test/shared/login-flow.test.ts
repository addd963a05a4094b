import {
  CHILD_ENVIRONMENT_VARIABLES,
  type ChildEnvironment,
  type ContainerMarker,
  chooseFlow,
  type LoginWish,
} from "@codex-authd/shared";
import t from "tap";

type Variables = ChildEnvironment["variables"];

interface Row {
  readonly where: string;
  readonly variables?: Variables;
  readonly platform?: string;
  readonly markers?: ContainerMarker[];
  readonly flow: "browser" | "device" | "none";
  readonly reason: RegExp;
}

const SSH = { SSH_CONNECTION: "192.0.2.1 5 192.0.2.2 22" };

/** The whole table: where a caller may be, and what then fits. */
const ROWS: readonly Row[] = [
  {
    where: "a Linux desktop (X)",
    variables: { DISPLAY: ":0" },
    flow: "browser",
    reason: /display \(DISPLAY/,
  },
  {
    where: "a Linux desktop (Wayland)",
    variables: { WAYLAND_DISPLAY: "wayland-0" },
    flow: "browser",
    reason: /display \(WAYLAND_DISPLAY/,
  },
  { where: "a headless Linux", flow: "device", reason: /no display/ },
  {
    where: "a headless Linux with BROWSER",
    variables: { BROWSER: "lynx" },
    flow: "browser",
    reason: /BROWSER/,
  },
  { where: "a Mac", platform: "darwin", flow: "browser", reason: /a Mac/ },
  {
    where: "a Mac with BROWSER",
    platform: "darwin",
    variables: { BROWSER: "x" },
    flow: "browser",
    reason: /BROWSER/,
  },
  { where: "SSH", variables: SSH, flow: "device", reason: /SSH session \(SSH_CONNECTION/ },
  {
    where: "SSH, known by its terminal",
    variables: { SSH_TTY: "/dev/pts/1" },
    flow: "device",
    reason: /SSH_TTY/,
  },
  {
    where: "SSH, known by its client",
    variables: { SSH_CLIENT: "192.0.2.1 5 22" },
    flow: "device",
    reason: /SSH_CLIENT/,
  },
  {
    where: "SSH with X forwarding",
    variables: { ...SSH, DISPLAY: "localhost:10.0" },
    flow: "device",
    reason: /SSH/,
  },
  { where: "SSH with BROWSER", variables: { ...SSH, BROWSER: "w3m" }, flow: "device", reason: /SSH/ },
  { where: "SSH into a Mac", platform: "darwin", variables: SSH, flow: "device", reason: /SSH/ },
  { where: "SSH into WSL", variables: { ...SSH, WSL_DISTRO_NAME: "Debian" }, flow: "device", reason: /SSH/ },
  {
    where: "tmux inside SSH",
    variables: { ...SSH, TMUX: "/tmp/tmux-0/default,1,0" },
    flow: "device",
    reason: /SSH/,
  },
  {
    where: "VS Code on a remote",
    variables: { VSCODE_IPC_HOOK_CLI: "/run/x.sock", BROWSER: "/x/browser.sh" },
    flow: "device",
    reason: /VS Code/,
  },
  {
    where: "VS Code over SSH",
    variables: { ...SSH, VSCODE_IPC_HOOK_CLI: "/run/x.sock" },
    flow: "device",
    reason: /SSH/,
  },
  {
    where: "VS Code in WSL",
    variables: { VSCODE_IPC_HOOK_CLI: "/run/x.sock", WSL_DISTRO_NAME: "Debian" },
    flow: "browser",
    reason: /WSL/,
  },
  { where: "WSL", variables: { WSL_DISTRO_NAME: "Debian" }, flow: "browser", reason: /WSL.*WSL_DISTRO_NAME/ },
  {
    where: "WSL as another user",
    variables: { WSL_INTEROP: "/run/WSL/8_interop" },
    flow: "browser",
    reason: /WSL_INTEROP/,
  },
  {
    where: "WSL with its own display",
    variables: { WSL_DISTRO_NAME: "Debian", DISPLAY: ":0" },
    flow: "browser",
    reason: /WSL/,
  },
  {
    where: "a Docker container",
    markers: ["/.dockerenv"],
    flow: "device",
    reason: /container \(\/\.dockerenv exists/,
  },
  {
    where: "a Docker container with a display",
    markers: ["/.dockerenv"],
    variables: { DISPLAY: ":0" },
    flow: "device",
    reason: /container/,
  },
  {
    where: "a Podman container",
    markers: ["/run/.containerenv"],
    flow: "device",
    reason: /\.containerenv exists/,
  },
  {
    where: "a container by its variable",
    variables: { container: "podman" },
    flow: "device",
    reason: /container \(container is set/,
  },
  {
    where: "a Kubernetes pod",
    variables: { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
    flow: "device",
    reason: /KUBERNETES/,
  },
  {
    where: "a GitHub codespace",
    variables: { CODESPACES: "true", BROWSER: "/x/browser.sh" },
    flow: "device",
    reason: /CODESPACES/,
  },
  {
    where: "a dev container",
    variables: { REMOTE_CONTAINERS: "true", VSCODE_IPC_HOOK_CLI: "/x" },
    flow: "device",
    reason: /REMOTE_CONTAINERS/,
  },
  { where: "CI", variables: { CI: "true" }, flow: "none", reason: /CI job \(CI is set/ },
  {
    where: "CI in a container, over SSH, with a display",
    variables: { CI: "1", DISPLAY: ":0", ...SSH },
    markers: ["/.dockerenv"],
    flow: "none",
    reason: /CI/,
  },
  { where: "CI on a Mac", platform: "darwin", variables: { CI: "true" }, flow: "none", reason: /CI/ },
  ...(
    [
      "APPVEYOR",
      "BUILDKITE",
      "CIRCLECI",
      "CODEBUILD_BUILD_ID",
      "CONTINUOUS_INTEGRATION",
      "DRONE",
      "GITHUB_ACTIONS",
      "GITLAB_CI",
      "JENKINS_URL",
      "TEAMCITY_VERSION",
      "TF_BUILD",
      "TRAVIS",
    ] as const
  ).map(
    (name): Row => ({
      where: `CI that sets ${name}`,
      variables: { [name]: "x" },
      flow: "none",
      reason: new RegExp(`\\(${name} is set`),
    }),
  ),
  {
    where: "CI=false on a desktop",
    variables: { CI: "false", DISPLAY: ":0" },
    flow: "browser",
    reason: /display/,
  },
  { where: "CI=0 on a headless machine", variables: { CI: "0" }, flow: "device", reason: /no display/ },
];

/** The caller's own; the daemon's, a Mac here, must not matter. */
function environmentOf({ variables = {}, platform = "linux", markers = [] }: Partial<Row>): ChildEnvironment {
  return { cwd: "/", variables, platform, markers };
}

const choose = (row: Partial<Row>, wish?: LoginWish) => chooseFlow(environmentOf(row), "darwin", wish);

t.test("each place has its flow, with the evidence", async (t) => {
  for (const row of ROWS) {
    const { flow, reason, warnings, changes } = choose(row);
    t.equal(flow, row.flow, row.where);
    t.match(reason, row.reason, row.where);
    t.match(reason, /^(this|there) .*[^.]$/, "half a sentence");
    t.same(warnings, [], row.where);
    for (const change of changes) t.match(change, /^\S.{20,}\.$/, row.where);
    t.ok(changes.length > 0, row.where);
  }
});

t.test("every variable of the allow-list but folders and network decides something", async (t) => {
  const deciding = new Set([...ROWS.flatMap(({ variables = {} }) => Object.keys(variables)), "STY"]);
  t.same(
    CHILD_ENVIRONMENT_VARIABLES.filter(
      (name) => !deciding.has(name) && !/_(proxy|certificate|cert_file)$/i.test(name),
    ),
    ["CODEX_HOME", "HOME"],
  );
});

t.test("only WSL has a flow to fall back on", async (t) => {
  for (const row of ROWS)
    t.equal(choose(row).fallback, /WSL/.test(choose(row).reason) ? "device" : null, row.where);
  t.equal(choose({ variables: { WSL_DISTRO_NAME: "Debian" } }, { flow: "browser" }).fallback, null);
});

t.test("the platform is the caller's, and the daemon's only for a caller that names none", async (t) => {
  t.equal(chooseFlow({ cwd: "/", variables: {}, platform: "linux" }, "darwin").flow, "device");
  t.equal(chooseFlow({ cwd: "/", variables: {}, platform: "darwin" }, "linux").flow, "browser");
  t.equal(chooseFlow({ cwd: "/", variables: {} }, "linux").flow, "device");
  t.equal(chooseFlow({ cwd: "/", variables: {} }, "darwin").flow, "browser");
  t.match(chooseFlow(undefined, "linux"), { flow: "browser", reason: /nothing is known/ });
});

t.test("what is insisted on wins everywhere, and says what it would have been", async (t) => {
  for (const row of ROWS) {
    for (const flow of ["browser", "device"] as const) {
      const choice = choose(row, { flow });
      t.match(choice, { flow, reason: "it was asked for", fallback: null }, row.where);
      t.match(choice.changes, [new RegExp(`^Without \`--${flow}\` it would be .*because .*\\.$`)]);
      const cannotWork = row.flow === "none" || (flow === "browser" && row.flow === "device");
      t.equal(choice.warnings.length, cannotWork ? 1 : 0, `${flow} on ${row.where}`);
    }
  }
});

t.test("a browser login where no redirect comes back is warned of, with what helps", async (t) => {
  const warningOf = (row: Partial<Row>) => choose(row, { flow: "browser" }).warnings[0];
  t.match(warningOf({ variables: SSH }), /ssh -L.*--no-browser --paste/);
  t.match(warningOf({ markers: ["/.dockerenv"] }), /--no-browser --paste/);
  t.match(warningOf({}), /--no-browser --paste/);
  t.match(warningOf({ variables: { VSCODE_IPC_HOOK_CLI: "/x" } }), /forwards the callback port/);
  t.match(warningOf({ variables: { CI: "true" } }), /nobody finishes the login/);
});

t.test("without a person there is no login, whatever is insisted on", async (t) => {
  for (const flow of ["auto", "browser", "device"] as const) {
    t.match(choose({ variables: { DISPLAY: ":0" } }, { flow, interactive: false }), {
      flow: "none",
      reason: /nobody is there/,
      changes: [/interactive: false/],
    });
  }
});

t.test("a desktop's tmux may be looked at from elsewhere, and that is said", async (t) => {
  for (const name of ["TMUX", "STY"] as const) {
    const { flow, changes } = choose({ variables: { DISPLAY: ":0", [name]: "x" } });
    t.equal(flow, "browser");
    t.match(changes[1], /another machine.*--device/, name);
  }
});
