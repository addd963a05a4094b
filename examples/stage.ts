/** Where the demo plays: an issuer on loopback, a home folder of its own, and the real programs in it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type AuthorizationServer, createAuthorizationServer } from "#test/helpers/authorization-server.js";
import { type Child, startNode } from "#test/helpers/child.js";

export interface Stage extends AsyncDisposable {
  readonly issuer: AuthorizationServer;
  /** Starts `codex-authd` and waits until it serves. */
  startDaemon(): Promise<Child>;
  /** Starts `codex-auth`. */
  start(args: readonly string[]): Child;
  /** Ends every program and the issuer, and removes the home folder. May be called twice. */
  close(): Promise<void>;
}

const DAEMON = fileURLToPath(new URL("../../daemon/dist/main.js", import.meta.url));
const CLI = fileURLToPath(new URL("../../client/dist/cli/codex-auth.cjs", import.meta.url));

const LOOK_MS = 20;

export async function createStage(): Promise<Stage> {
  const issuer = await createAuthorizationServer();
  const home = createHome(issuer.url);
  const socket = join(home, "d.sock");
  const env = { PATH: process.env.PATH, HOME: home, CODEX_AUTHD_SOCKET: socket };
  const children: Child[] = [];
  let closed: Promise<void> | undefined;

  /** Nothing starts any more once the end has begun. */
  function startProgram(args: readonly string[]): Child {
    if (closed) throw new Error("The stage is closed.");
    const child = startNode(args, { env, cwd: home });
    children.push(child);
    return child;
  }

  async function end(): Promise<void> {
    // The last first: the daemon's callers are gone before it, and none of them starts another one.
    for (const child of children.reverse()) {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      await child.ended;
    }
    await issuer.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }

  const close = (): Promise<void> => {
    closed ??= end();
    return closed;
  };

  return {
    issuer,
    start: (args) => startProgram([CLI, ...args]),
    async startDaemon() {
      const daemon = startProgram([DAEMON, "--socket", socket]);
      while (!daemon.stderr.includes("daemon.ready")) {
        if (!daemon.isRunning) throw new Error(`The daemon did not start:\n${daemon.stderr}`);
        await delay(LOOK_MS);
      }
      return daemon;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** With a short name, for a socket's path has at most 103 bytes. */
function createHome(issuer: string): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "cad-")));
  const folder = join(home, ".config", "codex-authd");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.toml"), `issuer = "${issuer}"\ncallback_port = 0\n`);
  return home;
}
