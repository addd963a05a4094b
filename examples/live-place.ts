/** Where the live example works: a Codex home with a daemon of its own, or the person's own of both. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type AuthClient, createAuthClient } from "@codex-authd/client";
import type { Switches } from "./live-switches.js";
import { say } from "./narration.js";

export interface Place extends AsyncDisposable {
  readonly auth: AuthClient;
  /** In words. */
  readonly description: string;
  /** The environment of whatever shall use the login. */
  readonly env: NodeJS.ProcessEnv;
}

const LOOK_MS = 20;

export async function openPlace(switches: Switches): Promise<Place> {
  return switches.useRealHome ? openRealPlace() : openOwnPlace(switches);
}

/** As every client does: the daemon is the one that runs, or it is started and stays. */
function openRealPlace(): Place {
  const auth = createAuthClient();
  return {
    auth,
    description: "your own Codex home and daemon",
    env: process.env,
    [Symbol.asyncDispose]: () => auth.close(),
  };
}

async function openOwnPlace({ keepHome }: Switches): Promise<Place> {
  const named = process.env.CODEX_OAUTH_EXAMPLE_HOME;
  const home = named ? resolve(named) : mkdtempSync(join(tmpdir(), "codex-home-"));
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(tmpdir(), "live-")); // Short: a socket's path has at most 103 bytes.
  const env = {
    ...process.env,
    CODEX_HOME: home,
    CODEX_AUTHD_SOCKET: join(folder, "d.sock"),
    XDG_STATE_HOME: join(folder, "state"),
  };
  const auth = createAuthClient({ env });
  const isTemporary = !named && !keepHome;
  const close = async (): Promise<void> => {
    await stopDaemon(auth);
    await auth.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    if (isTemporary) rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    else say("", `The Codex home ${home} is kept.`);
  };
  try {
    await auth.startDaemon();
  } catch (error) {
    await close();
    throw error;
  }
  const fate = isTemporary ? "removed at the end" : "kept";
  return {
    auth,
    env,
    description: `${home} (${fate}), with a daemon of its own`,
    [Symbol.asyncDispose]: close,
  };
}

/** Returns when its process has ended. */
async function stopDaemon(auth: AuthClient): Promise<void> {
  const daemon = await auth.getDaemonStatus().catch(() => undefined);
  if (!daemon) return;
  await auth.shutdownDaemon();
  while (isAlive(daemon.pid)) await delay(LOOK_MS);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
