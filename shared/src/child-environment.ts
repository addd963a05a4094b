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

/** Variables that hold a secret, or name one, and decide which credential Codex takes, sorted. Only that they are set may cross. */
export const SECRET_VARIABLES = [
  "CODEX_ACCESS_TOKEN",
  "CODEX_API_KEY",
  "OPENAI_API_KEY",
  "OPENAI_FEDERATION_RULE_ID",
  "OPENAI_IDENTITY_TOKEN_FILE",
] as const;

export type SecretVariable = (typeof SECRET_VARIABLES)[number];

/** Upstream takes these two as set when they are there at all, and ends over an empty one (codex-cli 0.169). */
const SET_WHEN_EMPTY: readonly SecretVariable[] = ["OPENAI_FEDERATION_RULE_ID", "OPENAI_IDENTITY_TOKEN_FILE"];

/** What `CODEX_ACCESS_TOKEN` looks like: `at-…`, or anything else, which Codex takes for a JWT of an agent. */
export const ACCESS_TOKEN_KINDS = ["personalAccessToken", "agentIdentity"] as const;

export type AccessTokenKind = (typeof ACCESS_TOKEN_KINDS)[number];

/** Files that container engines (Docker, Podman) leave for the processes inside, which alone see them. */
export const CONTAINER_MARKERS = ["/.dockerenv", "/run/.containerenv"] as const;

export type ContainerMarker = (typeof CONTAINER_MARKERS)[number];

export interface ChildEnvironment {
  /** Absolute path. */
  readonly cwd: string;
  readonly variables: Readonly<Partial<Record<ChildEnvironmentVariable, string>>>;
  /** The secret variables that are set, by their names. Default: none. */
  readonly present?: SecretVariable[] | undefined;
  /** Of `CODEX_ACCESS_TOKEN`, when it is present. */
  readonly accessTokenKind?: AccessTokenKind | undefined;
  /** `process.platform` of the caller, who may be behind a forwarded socket. Default: the daemon's. */
  readonly platform?: string | undefined;
  /** The container markers that the caller sees. Default: none. */
  readonly markers?: ContainerMarker[] | undefined;
}

/** Picks the allowed variables out of `env`. Empty values are left out: upstream treats them as unset (codex-cli 0.169). */
export function childEnvironmentFrom(env: Environment, cwd: string): ChildEnvironment {
  const allowed = CHILD_ENVIRONMENT_VARIABLES.filter((name) => env[name]);
  const present = SECRET_VARIABLES.filter((name) => isSet(name, env));
  return {
    cwd,
    variables: Object.fromEntries(allowed.map((name) => [name, env[name]])),
    ...(present.length > 0 && { present }),
    ...(isSet("CODEX_ACCESS_TOKEN", env) && { accessTokenKind: accessTokenKind(env) }),
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

function isSet(name: SecretVariable, env: Environment): boolean {
  return SET_WHEN_EMPTY.includes(name) ? env[name] !== undefined : Boolean(env[name]?.trim());
}

function accessTokenKind(env: Environment): AccessTokenKind {
  return env.CODEX_ACCESS_TOKEN?.trim().startsWith("at-") ? "personalAccessToken" : "agentIdentity";
}
