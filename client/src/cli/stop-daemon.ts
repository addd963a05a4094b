import { type Clock, sleep } from "@codex-authd/shared";
import type { AuthClient } from "../auth-client.js";
import { ClientError } from "../client-error.js";
import { isProcessAlive } from "../process-alive.js";

/** How long a daemon may take to drain: it waits for a refresh in flight, which the issuer may hold for 45 s. */
const STOP_DEADLINE_MS = 60_000;

const POLL_MS = 50;

/**
 * Asks the daemon to end and waits for it; false when there was none. One of another protocol is asked all the same: to stop
 * it is the way to upgrade it.
 * @throws ClientError ERR_DAEMON_TIMEOUT after 60 s
 */
export async function stopDaemon(client: AuthClient, clock: Clock): Promise<boolean> {
  try {
    const { pid } = await client.getDaemonStatus();
    await client.shutdownDaemon();
    await waitForEnd(pid, clock);
    return true;
  } catch (error) {
    if (hasCode(error, "ERR_DAEMON_NOT_RUNNING")) return false;
    if (!hasCode(error, "ERR_DAEMON_VERSION")) throw error;
    await client.shutdownDaemon().catch(ignoreVersion);
    return true;
  }
}

async function waitForEnd(pid: number, clock: Clock): Promise<void> {
  const deadlineAtMs = clock.now() + STOP_DEADLINE_MS;
  while (isProcessAlive(pid)) {
    if (clock.now() > deadlineAtMs) {
      throw new ClientError(
        "ERR_DAEMON_TIMEOUT",
        `The daemon (process ${pid}) is still draining after 60 s. Look at its log.`,
      );
    }
    await sleep(clock, POLL_MS);
  }
}

export function hasCode(error: unknown, code: ClientError["code"]): boolean {
  return error instanceof ClientError && error.code === code;
}

function ignoreVersion(error: unknown): void {
  if (!hasCode(error, "ERR_DAEMON_VERSION")) throw error;
}
