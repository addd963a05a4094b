/**
 * The child environment: cwd and environment of the process that will use the login. It crosses the socket as an
 * allow-list of variables, so that nothing else of a caller's environment does; the daemon's own never counts.
 */

/** Variables that may cross, sorted. None holds a token or a key; the URL of a proxy may hold the proxy's password. */
export const CHILD_ENVIRONMENT_VARIABLES = [
  "ALL_PROXY",
  "APPVEYOR",
  "BROWSER",
  "BUILDKITE",
  "CI",
  "CIRCLECI",
  "CODEBUILD_BUILD_ID",
  "CODESPACES",
  "CODEX_CA_CERTIFICATE",
  "CODEX_HOME",
  "CONTINUOUS_INTEGRATION",
  "DISPLAY",
  "DRONE",
  "GITHUB_ACTIONS",
  "GITLAB_CI",
  "HOME",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "JENKINS_URL",
  "KUBERNETES_SERVICE_HOST",
  "NO_PROXY",
  "REMOTE_CONTAINERS",
  "SSH_CLIENT",
  "SSH_CONNECTION",
  "SSH_TTY",
  "SSL_CERT_FILE",
  "STY",
  "TEAMCITY_VERSION",
  "TF_BUILD",
  "TMUX",
  "TRAVIS",
  "VSCODE_IPC_HOOK_CLI",
  "WAYLAND_DISPLAY",
  "WSL_DISTRO_NAME",
  "WSL_INTEROP",
  "all_proxy",
  "container",
  "http_proxy",
  "https_proxy",
  "no_proxy",
] as const;

export type ChildEnvironmentVariable = (typeof CHILD_ENVIRONMENT_VARIABLES)[number];

/** Files that container engines (Docker, Podman) leave for the processes inside, which alone see them. */
export const CONTAINER_MARKERS = ["/.dockerenv", "/run/.containerenv"] as const;

export type ContainerMarker = (typeof CONTAINER_MARKERS)[number];

export interface ChildEnvironment {
  /** Absolute path. */
  readonly cwd: string;
  readonly variables: Readonly<Partial<Record<ChildEnvironmentVariable, string>>>;
  /** `process.platform` of the caller, who may be behind a forwarded socket. Default: the daemon's. */
  readonly platform?: string | undefined;
  /** The container markers that the caller sees. Default: none. */
  readonly markers?: ContainerMarker[] | undefined;
}

/** Picks the allowed variables out of `env`. Empty values are left out: upstream treats them as unset (codex-cli 0.169). */
export function childEnvironmentFrom(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): ChildEnvironment {
  const present = CHILD_ENVIRONMENT_VARIABLES.filter((name) => env[name]);
  return { cwd, variables: Object.fromEntries(present.map((name) => [name, env[name]])) };
}
