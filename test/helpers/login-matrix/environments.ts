/** First part of the matrix: where the caller is, which login fits, and what comes of it at an issuer that approves. */
import { approveLogin } from "../browser-user.js";
import { writeLogin } from "../logins.js";
import { resultOf } from "./result.js";
import type { Stage } from "./stage.js";

interface Place {
  readonly where: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly platform?: string;
  readonly files?: readonly string[];
  readonly args?: readonly string[];
}

const SSH = { SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" };
const DESKTOP = { DISPLAY: ":0" };
const DOCKER = ["/.dockerenv"];

const PLACES: readonly Place[] = [
  { where: "Linux desktop", variables: DESKTOP },
  { where: "Linux desktop, in tmux", variables: { ...DESKTOP, TMUX: "/tmp/tmux-1000/default,1,0" } },
  { where: "Mac", platform: "darwin" },
  { where: "WSL", variables: { WSL_DISTRO_NAME: "Debian", DISPLAY: ":0" } },
  { where: "SSH", variables: SSH },
  { where: "SSH with X forwarding", variables: { ...SSH, DISPLAY: "localhost:10.0" } },
  { where: "SSH into a Mac", variables: SSH, platform: "darwin" },
  { where: "tmux inside SSH", variables: { ...SSH, TMUX: "/tmp/tmux-1000/default,1,0" } },
  { where: "VS Code on a remote", variables: { VSCODE_IPC_HOOK_CLI: "/run/user/1000/vscode.sock" } },
  { where: "headless Linux", variables: {} },
  { where: "headless Linux with BROWSER", variables: { BROWSER: "w3m" } },
  { where: "Docker container", files: DOCKER },
  { where: "Docker container with a display", variables: DESKTOP, files: DOCKER },
  { where: "Kubernetes pod", variables: { KUBERNETES_SERVICE_HOST: "10.0.0.1" } },
  { where: "GitHub codespace", variables: { CODESPACES: "true" } },
  { where: "CI job", variables: { CI: "true" } },
  { where: "Jenkins, in a container", variables: { JENKINS_URL: "https://ci.example/" }, files: DOCKER },
  { where: "desktop, nobody there", variables: DESKTOP, args: ["--no-interactive"] },
  { where: "desktop, insisting on a code", variables: DESKTOP, args: ["--device"] },
  { where: "SSH, insisting on a browser", variables: SSH, args: ["--browser"] },
  { where: "container, insisting on a browser", files: DOCKER, args: ["--browser"] },
  { where: "headless, insisting on a browser", args: ["--browser"] },
  { where: "CI job, insisting on a code", variables: { CI: "true" }, args: ["--device"] },
];

export interface EnvironmentRow {
  readonly where: string;
  readonly flow: string;
  readonly reason: string;
  /** What it warns of, else what would change it. */
  readonly advice: string;
  readonly result: string;
  readonly withLogin: string;
}

/** One row for each place. The person opens the address by hand: what opens by itself is another part of the matrix. */
export async function environmentRows(stage: Stage): Promise<EnvironmentRow[]> {
  const rows: EnvironmentRow[] = [];
  for (const place of PLACES) rows.push(await environmentRow(stage, place));
  return rows;
}

async function environmentRow(stage: Stage, { where, args = [], ...place }: Place): Promise<EnvironmentRow> {
  const home = stage.newHome();
  const begun = stage.issuer.requests.length;
  const explained = await stage.attempt({ ...place, home, args: [...args, "--explain", "--json"] });
  const plan = JSON.parse(explained.stdout);
  stage.t.equal(stage.issuer.requests.length, begun, `${where}: --explain begins nothing`);
  stage.issuer.scriptDevicePolls(plan.flow === "device" ? [200] : []);
  const attempt = await stage.attempt({
    ...place,
    home,
    args: [...args, "--no-browser"],
    person: async (shown) => shown.flow === "browser" && approveLogin(shown.url),
  });
  const flow = plan.flow === "none" ? undefined : plan.flow;
  stage.t.equal(attempt.shown[0]?.flow, flow, `${where}: the login is the one that was explained`);
  const other = stage.newHome();
  writeLogin(other, stage.issuer);
  const kept = await stage.attempt({ ...place, home: other, args });
  return {
    where,
    flow: plan.fallback ? `${plan.flow}, then ${plan.fallback}` : plan.flow,
    reason: plan.reason,
    advice: [...plan.warnings, ...plan.changes].join(" "),
    result: resultOf(attempt, stage),
    withLogin: resultOf(kept, stage),
  };
}
