/** Where things are: pure functions of an environment, never of this process's own. */
import { basename, dirname, isAbsolute, join } from "node:path";
import { AuthError } from "./errors/auth-error.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The longest Unix-domain socket path that every supported system takes: macOS has 104 bytes with the final NUL, Linux
 * 108; Node 20 cuts a longer one silently and listens under a name nobody asked for.
 */
export const SOCKET_PATH_MAX_BYTES = 103;

const SOCKET_NAME = "codex-authd.sock";

/**
 * The sockets to try, best first: `CODEX_AUTHD_SOCKET` alone when set; else the one in `XDG_RUNTIME_DIR` and the one
 * under the home folder. A daemon listens on the first; a client tries all, for the two may have been started with
 * different environments.
 * @throws AuthError ERR_CONFIG_INVALID when a path is relative or longer than {@link SOCKET_PATH_MAX_BYTES}
 */
export function socketPaths(env: Environment): readonly [string, ...string[]] {
  if (env.CODEX_AUTHD_SOCKET) return [checkedSocketPath(env.CODEX_AUTHD_SOCKET)];
  const runtimeFolder = xdgFolder(env.XDG_RUNTIME_DIR);
  const underHome = (): string =>
    checkedSocketPath(join(homeFolder(env), ".codex-authd", "run", SOCKET_NAME));
  if (!runtimeFolder) return [underHome()];
  const first = checkedSocketPath(join(runtimeFolder, "codex-authd", SOCKET_NAME));
  return env.HOME ? [first, underHome()] : [first];
}

/**
 * `path` itself when a socket can be bound there.
 * @throws AuthError ERR_CONFIG_INVALID when it is relative or longer than {@link SOCKET_PATH_MAX_BYTES}
 */
export function checkedSocketPath(path: string): string {
  if (!isAbsolute(path)) {
    throw new AuthError(
      "ERR_CONFIG_INVALID",
      `The socket path "${path}" is relative. Give an absolute path.`,
    );
  }
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_MAX_BYTES) {
    throw new AuthError(
      "ERR_CONFIG_INVALID",
      `The socket path "${path}" is ${bytes} bytes long, and a Unix-domain socket takes at most ${SOCKET_PATH_MAX_BYTES}. ` +
        "Set CODEX_AUTHD_SOCKET (or `socket` in config.toml) to a shorter one.",
    );
  }
  return path;
}

/**
 * The lock beside the socket, held and with the daemon's process id in it as long as a daemon has claimed the path:
 * `codex-authd.lock` beside `codex-authd.sock`. It stays for ever: who removes a lock file lets two processes lock two.
 */
export function socketLockPath(socketPath: string): string {
  return join(dirname(socketPath), `${basename(socketPath, ".sock")}.lock`);
}

/** `CODEX_AUTHD_CONFIG`, else `config.toml` in `$XDG_CONFIG_HOME/codex-authd` (default `~/.config`). */
export function configPath(env: Environment): string {
  return (
    env.CODEX_AUTHD_CONFIG ||
    join(xdgFolder(env.XDG_CONFIG_HOME) ?? join(homeFolder(env), ".config"), "codex-authd", "config.toml")
  );
}

/** `$XDG_STATE_HOME/codex-authd` (default `~/.local/state`): logs, and what must survive a restart. Holds no token. */
export function stateFolder(env: Environment): string {
  return join(xdgFolder(env.XDG_STATE_HOME) ?? join(homeFolder(env), ".local", "state"), "codex-authd");
}

/** The log of a daemon that a client started on demand. */
export function logPath(env: Environment): string {
  return join(stateFolder(env), "codex-authd.log");
}

/** `CODEX_HOME`, else `~/.codex` (codex-cli 0.169: an empty variable counts as unset). */
export function codexHomePath(env: Environment): string {
  return env.CODEX_HOME || join(homeFolder(env), ".codex");
}

/** The XDG Base Directory Specification has relative paths ignored. */
function xdgFolder(value: string | undefined): string | undefined {
  return value && isAbsolute(value) ? value : undefined;
}

function homeFolder(env: Environment): string {
  if (env.HOME) return env.HOME;
  throw new AuthError("ERR_CONFIG_INVALID", "HOME is not set, so there is no place to look for. Set HOME.");
}
