import { spawnSync } from "node:child_process";

/** How a tool of the system ended. */
export interface ToolRun {
  /** `null` after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Debian package of each tool that the system tests use. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  bash: "bash",
  col: "bsdextrautils",
  curl: "curl",
  fish: "fish",
  flock: "util-linux",
  ip: "iproute2",
  mandoc: "mandoc",
  mitmdump: "mitmproxy",
  mount: "mount",
  openssl: "openssl",
  prlimit: "util-linux",
  promtool: "prometheus",
  python3: "python3",
  script: "bsdutils",
  setpriv: "util-linux",
  sh: "dash",
  strace: "strace",
  systemctl: "systemd",
  "systemd-analyze": "systemd",
  "systemd-socket-activate": "systemd",
  umount: "mount",
  unshare: "util-linux",
  zsh: "zsh",
};

/** @throws Error that names the package of a tool that is not installed */
export function requireTools(...tools: readonly string[]): void {
  for (const tool of tools) {
    const { status } = spawnSync("/bin/sh", ["-c", 'command -v "$1"', "sh", tool]);
    if (status !== 0) throw new Error(`${tool} is missing. Install the Debian package ${PACKAGE_OF[tool]}.`);
  }
}

/** @throws Error unless this is root, who alone can become somebody else */
export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error("These tests change their user and namespaces. Run them as root.");
}

/** Runs a tool to its end, 30 s at most. */
export function runTool(
  [tool = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv = { PATH: process.env.PATH },
  cwd: string = process.cwd(),
): ToolRun {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    env,
    cwd,
    encoding: "utf8",
    timeout: 30_000,
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
}
