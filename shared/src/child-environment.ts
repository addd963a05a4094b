/**
 * The child environment: cwd and environment of the process that will use the login. It crosses the socket as an
 * allow-list of variables, so that nothing else of a caller's environment does; the daemon's own never counts.
 */

/** Variables that may cross, sorted. None holds a secret. */
export const CHILD_ENVIRONMENT_VARIABLES = [
  "BROWSER",
  "CI",
  "CODEX_HOME",
  "DISPLAY",
  "HOME",
  "SSH_CONNECTION",
  "SSH_TTY",
  "WAYLAND_DISPLAY",
  "WSL_DISTRO_NAME",
  "container",
] as const;

export type ChildEnvironmentVariable = (typeof CHILD_ENVIRONMENT_VARIABLES)[number];

export interface ChildEnvironment {
  /** Absolute path. */
  readonly cwd: string;
  readonly variables: Readonly<Partial<Record<ChildEnvironmentVariable, string>>>;
}

/** Picks the allowed variables out of `env`. Empty values are left out: upstream treats them as unset (codex-cli 0.169). */
export function childEnvironmentFrom(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): ChildEnvironment {
  const present = CHILD_ENVIRONMENT_VARIABLES.filter((name) => env[name]);
  return { cwd, variables: Object.fromEntries(present.map((name) => [name, env[name]])) };
}
