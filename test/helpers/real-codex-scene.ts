import { type AppServer, startAppServer } from "./app-server.js";
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from "./authorization-server.js";
import { type ChatGptBackend, createChatGptBackend } from "./chatgpt-backend.js";
import { type CodexHome, createCodexHome } from "./codex.js";
import { type Daemon, startDaemon } from "./daemon.js";
import type { PlaceOptions, Teardown } from "./daemon-place.js";

/** One Codex home, with our daemon and the real Codex on it, an issuer, and a backend that asks the issuer about tokens. */
export interface Scene {
  readonly issuer: AuthorizationServer;
  readonly backend: ChatGptBackend;
  readonly codex: CodexHome;
  startDaemon(options?: Pick<PlaceOptions, "config">): Promise<Daemon>;
  /** A real app-server that answers requests; `env` is laid over its environment. */
  startAppServer(env?: NodeJS.ProcessEnv): Promise<AppServer>;
}

export async function createScene(t: Teardown, options: AuthorizationServerOptions = {}): Promise<Scene> {
  const issuer = await startAuthorizationServer(t, options);
  const backend = await createChatGptBackend({
    isAccessTokenValid: (token) => issuer.isAccessTokenValid(token),
  });
  t.teardown(() => backend.close());
  const codex = await createCodexHome({ backend, issuer: issuer.url });
  t.teardown(() => codex.close());
  return {
    issuer,
    backend,
    codex,
    startDaemon: ({ config = {} } = {}) =>
      startDaemon(t, { issuer, config, env: { CODEX_HOME: codex.path } }),
    async startAppServer(env = {}) {
      const appServer = startAppServer({ home: codex, env });
      t.teardown(() => appServer.close());
      await appServer.initialize();
      return appServer;
    },
  };
}

/** The access token and the account of every model request, and how it was answered. */
export function modelCalls(backend: ChatGptBackend): unknown[][] {
  return backend
    .requestsTo("responses")
    .map(({ accessToken, headers, status }) => [accessToken, headers["chatgpt-account-id"], status]);
}
