/**
 * One process of the proof `callers`: as many callers as its argument says, each with a client of its own. Each asks for a
 * token, waits until that token has expired, and asks again, until stdin ends. Then it writes its tallies, as JSON.
 */
import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { createAuthClient } from "#client/index.js";

/** What one caller saw. */
export interface CallerTally {
  /** Of each call that brought a token. */
  readonly takenMs: number[];
  /** Messages of those that did not. */
  readonly failures: string[];
  /** Different tokens. */
  tokens: number;
  /** Tokens that were past their end when they arrived. */
  expired: number;
  /** How long the worst of them had been. */
  pastEndMs: number;
}

/** A caller that got nothing new asks again, but not in a busy loop. */
const PAUSE_MS = 100;

const stop = new AbortController();
setMaxListeners(0, stop.signal);
process.stdin.resume().once("end", () => stop.abort());

const callers = Array.from({ length: Number(process.argv[2]) }, () => callAtEveryExpiry(stop.signal));
process.stdout.write(JSON.stringify(await Promise.all(callers)));

async function callAtEveryExpiry(signal: AbortSignal): Promise<CallerTally> {
  await using client = createAuthClient({ autostart: false });
  const tally: CallerTally = { takenMs: [], failures: [], tokens: 0, expired: 0, pastEndMs: 0 };
  let last = "";
  while (!signal.aborted) {
    const beganAtMs = performance.now();
    let leftMs = 0;
    try {
      const { accessToken, expiresAtMs } = await client.getAccessToken();
      tally.takenMs.push(performance.now() - beganAtMs);
      leftMs = (expiresAtMs ?? 0) - Date.now();
      if (accessToken !== last) tally.tokens += 1;
      if (leftMs <= 0) tally.expired += 1;
      tally.pastEndMs = Math.max(tally.pastEndMs, -leftMs);
      last = accessToken;
    } catch (error) {
      tally.failures.push(String(error));
    }
    await delay(Math.max(PAUSE_MS, leftMs), undefined, { signal }).catch(() => undefined);
  }
  return tally;
}
