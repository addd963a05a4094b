/** Starts a `codex app-server` with its login ensured, and connects to it. */
import type { AppServer } from "./app-server.js";
import { attachUnderLogin } from "./attach.js";
import { startChild } from "./child.js";
import { childEnvironment } from "./child-environment.js";
import type { ConnectOptions } from "./connect-options.js";

/**
 * Ensures the login of the child's own Codex home, starts the child, and connects to it. With external tokens nothing of
 * the login is in the child's Codex home, its requests for fresh tokens are answered, and newer tokens are pushed.
 * @throws TypeError for options that contradict each other, such as external tokens without `experimentalApi`
 * @throws AuthError as `AuthClient.login`: ERR_LOGIN_NOT_INTERACTIVE when a person would be needed
 * @throws ClientError ERR_APP_SERVER_NOT_STARTED, ERR_APP_SERVER_ENDED; ERR_DAEMON_NOT_RUNNING and the like
 * @throws AppServerError when the child refuses the tokens
 */
export function connectAppServer(options: ConnectOptions): Promise<AppServer> {
  const { processEnv = process.env, cwd = process.cwd() } = options;
  return attachUnderLogin(options, (session) =>
    startChild({ ...options, cwd, env: childEnvironment(processEnv, session) }),
  );
}
