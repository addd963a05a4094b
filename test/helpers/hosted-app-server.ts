/** App-servers as a host has them through our library, beside the real daemon, issuer and backend. */
import { type AppServer, type ConnectOptions, connectAppServer } from "#client/app-server/index.js";
import type { AuthClient } from "#client/index.js";
import type { Turn, TurnResult } from "./app-server-messages.js";
import { type CodexHome, codexBinary, codexEnvironment, createCodexHome } from "./codex.js";
import type { Daemon } from "./daemon.js";
import type { Teardown } from "./daemon-place.js";
import type { Scene } from "./real-codex-scene.js";

export const CLIENT_INFO = { name: "a-host", title: null, version: "1.2.3" };

type Wish = Partial<ConnectOptions> & { readonly home?: CodexHome };

export interface Host {
  readonly auth: AuthClient;
  /** A Codex home without a login, whose requests go to the scene's backend. */
  createHome(): Promise<CodexHome>;
  /** A child of the real Codex, by default on the scene's own Codex home; it ends with the test at the latest. */
  connect(wish?: Wish): Promise<AppServer>;
}

export function createHost(t: Teardown, scene: Scene, daemon: Daemon): Host {
  const auth = daemon.client();
  return {
    auth,
    async createHome() {
      const home = await createCodexHome({ backend: scene.backend, issuer: scene.issuer.url });
      t.teardown(() => home.close());
      return home;
    },
    async connect({ home = scene.codex, ...wish } = {}) {
      const server = await connectAppServer({
        command: codexBinary,
        cwd: home.path,
        processEnv: codexEnvironment(home),
        clientInfo: CLIENT_INFO,
        auth,
        ...wish,
      });
      t.teardown(() => server.close());
      return server;
    },
  };
}

/** External tokens from the login in `codexHome`. */
export function externalTokensOf(codexHome: string): Pick<ConnectOptions, "experimentalApi" | "oauth"> {
  return {
    experimentalApi: true,
    oauth: { mode: "external", storage: "file", codexHome, interactive: false },
  };
}

/** Runs `prompt` as the one turn of a new thread that is not stored, and waits for its end. */
export async function runTurn(server: AppServer, prompt = "Say hello."): Promise<TurnResult> {
  const ended = new Promise<Turn>((resolve) => {
    server.on("notification", ({ method, params }) => {
      if (method === "turn/completed") resolve((params as { turn: Turn }).turn);
    });
  });
  const started = await server.request("thread/start", {
    ephemeral: true,
    cwd: server.initialized.codexHome,
    sandbox: "read-only",
    approvalPolicy: "never",
  });
  const { thread } = started as { thread: { id: string } };
  const input = [{ type: "text", text: prompt, text_elements: [] }];
  await server.request("turn/start", { threadId: thread.id, input });
  const { status, error, items } = await ended;
  const text = items.findLast((item) => item.type === "agentMessage")?.text ?? null;
  return { status, text, error };
}
