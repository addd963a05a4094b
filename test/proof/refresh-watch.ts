/** Listens to a daemon's events and notes how late each refresh was, and what went wrong. */
import type { AuthClient, SessionStatus } from "#client/index.js";

export interface RefreshWatch {
  /** From the moment a token was due to the moment its successor was stored and told, in ms. */
  readonly lagsMs: readonly number[];
  /** Events that should not be: refusals, deferrals, stores that failed, as "cause: message". */
  readonly mishaps: readonly string[];
}

/** Watches until the client closes. The events of sessions that are opened later are among them. */
export function watchRefreshes(client: AuthClient): RefreshWatch {
  const found = { lagsMs: [] as number[], mishaps: [] as string[] };
  const dueAtMs = new Map<string, number | null>();
  const note = (cause: string, session: SessionStatus): void => {
    const { codexHome, storageState, lastError, nextRefreshAtMs } = session;
    const wasDueAtMs = dueAtMs.get(codexHome) ?? null;
    const isRefresh = cause === "refresh" && storageState === "stored";
    if (isRefresh && wasDueAtMs !== null) found.lagsMs.push(Date.now() - wasDueAtMs);
    if (!isRefresh && cause !== "adoption") found.mishaps.push(`${cause}: ${lastError?.message}`);
    dueAtMs.set(codexHome, nextRefreshAtMs);
  };
  void follow(client, note);
  return found;
}

async function follow(
  client: AuthClient,
  note: (cause: string, session: SessionStatus) => void,
): Promise<void> {
  for await (const event of client.events()) {
    if (event.type === "session/changed") note(event.data.cause, event.data.session);
  }
}
