import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { logPath, socketPaths } from "@codex-authd/shared";
import { ClientError } from "../../client-error.js";
import { findDaemonProgram } from "../../daemon-program.js";
import type { Terminal } from "../terminal.js";
import { processRunner } from "./command-runner.js";
import { createLaunchd } from "./launchd.js";
import type { ServiceManager } from "./service-manager.js";
import { createSystemd } from "./systemd.js";

/**
 * The service manager of this platform, for the person at the terminal.
 * @throws ClientError ERR_SERVICE_MANAGER when the daemon's program cannot be found
 * @throws AuthError ERR_CONFIG_INVALID when HOME is not set
 */
export function serviceManager(terminal: Terminal): ServiceManager {
  const { env, services } = terminal;
  const { platform = process.platform, runner = processRunner } = services ?? {};
  const setting = {
    env,
    uid: process.getuid?.() ?? 0,
    socketPath: socketPaths(env)[0],
    logPath: logPath(env),
    program: [...absoluteProgram(terminal), ...daemonArguments(terminal)],
    runner,
  };
  return platform === "darwin" ? createLaunchd(setting) : createSystemd(setting);
}

/** A service manager has another PATH than the person who installs the service. */
function absoluteProgram({ env }: Terminal): string[] {
  const { command, args } = findDaemonProgram();
  if (isAbsolute(command)) return [command, ...args];
  const found = (env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => isAbsolute(path) && isExecutable(path));
  if (found) return [process.execPath, found, ...args];
  throw new ClientError(
    "ERR_SERVICE_MANAGER",
    `${command} is not on PATH. Install @codex-authd/daemon beside this client.`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the person's environment says of the daemon, which the service manager's does not. */
function daemonArguments({ env, cwd }: Terminal): string[] {
  const config = env.CODEX_AUTHD_CONFIG ? ["--config", resolve(cwd, env.CODEX_AUTHD_CONFIG)] : [];
  return env.CODEX_AUTHD_SOCKET ? ["--socket", env.CODEX_AUTHD_SOCKET, ...config] : config;
}
