/** Other programs that write auth.json, well and badly: what the daemon takes it for, and how soon it knows. */
import { setTimeout as delay } from "node:timers/promises";
import type { AuthClient } from "#client/index.js";
import { type AuthorizationServer, startAuthorizationServer } from "../helpers/authorization-server.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { until } from "../helpers/until.js";
import { TORN_MS, type Writer, writeByRename, writeInPlace } from "./auth-json-writers.js";
import type { Proof } from "./proof.js";
import { writersFigures } from "./writers-figures.js";

export interface Effort {
  /** Writes of each writer, each waited for. */
  readonly spacedWrites: number;
  /** Writes of each writer, both at the same time and without a look at the daemon. */
  readonly floodWrites: number;
}

const LONG: Effort = { spacedWrites: 250, floodWrites: 10_000 };
const SHORT: Effort = { spacedWrites: 5, floodWrites: 200 };

/** Between two writes that are waited for: none follows upon another's events. */
const SPACE_MS = { least: 100, most: 300 };

/** Between the writes of the flood: both writers and the daemon share a machine, and its end has to come. */
const FLOOD_PAUSE_MS = 2;

/** A caller who asks during the flood. */
const ASK_PAUSE_MS = 50;

/** Longer than any token has: a client that is asked for it does not answer from its cache. */
const DAY_MS = 86_400_000;

export interface Adoptions {
  readonly inPlaceMs: readonly number[];
  readonly renameMs: readonly number[];
  /** Times when the event came, and `token/get` then served another token than the one that was written. */
  readonly mismatches: number;
}

export interface Flood {
  readonly seconds: number;
  readonly adoptions: number;
  readonly calls: number;
  readonly failures: readonly string[];
  /** From the last write to a caller who gets its token. */
  readonly lastServedMs: number;
}

/** What the daemon's events told. */
export interface Seen {
  /** `performance.now()` of the event that first told this `last_refresh`. */
  readonly atMs: Map<number, number>;
  readonly falseSignOuts: string[];
  adoptions: number;
}

export const writers: Proof = {
  name: "writers",
  title: "However auth.json is written, its login is adopted soon, and nobody is taken for signed out",
  async run(options) {
    const effort = options.isShort ? SHORT : LONG;
    const issuer = await startAuthorizationServer(options);
    const daemon = await startDaemon(options, { issuer });
    const client = daemon.client();
    writeLogin(daemon.codexHome, issuer);
    await until("the login is seen", async () => (await client.getStatus()).state === "active");
    const seen = await watch(client);
    options.note(`${2 * effort.spacedWrites} writes that are waited for`);
    const adoptions = await measureAdoptions(effort, { issuer, daemon, client, seen });
    options.note(`twice ${effort.floodWrites} writes at the same time`);
    const flood = await endureFlood(effort, { issuer, daemon, client, seen });
    const { isShort } = options;
    const figures = writersFigures({ effort, adoptions, flood, seen, issuer, isShort });
    return { figures, prose: proseOf(effort) };
  },
};

interface Stage {
  readonly issuer: AuthorizationServer;
  readonly daemon: Daemon;
  readonly client: AuthClient;
  readonly seen: Seen;
}

/** Notes every change of the session from now on, until the client closes. */
async function watch(client: AuthClient): Promise<Seen> {
  const seen: Seen = { atMs: new Map(), falseSignOuts: [], adoptions: 0 };
  const events = client.events();
  await events.next();
  void (async () => {
    for await (const event of events) {
      if (event.type !== "session/changed") continue;
      const { cause, session } = event.data;
      if (session.state !== "active") seen.falseSignOuts.push(`${cause}: ${session.reason}`);
      if (cause === "adoption") seen.adoptions += 1;
      const lastRefreshAtMs = session.lastRefreshAtMs ?? 0;
      if (!seen.atMs.has(lastRefreshAtMs)) seen.atMs.set(lastRefreshAtMs, performance.now());
    }
  })();
  return seen;
}

/** Both writers in turn; each write is adopted before the next one. */
async function measureAdoptions({ spacedWrites }: Effort, stage: Stage): Promise<Adoptions> {
  const inPlaceMs: number[] = [];
  const renameMs: number[] = [];
  let mismatches = 0;
  for (let count = 0; count < 2 * spacedWrites; count += 1) {
    const isInPlace = count % 2 === 0;
    await delay(SPACE_MS.least + Math.random() * (SPACE_MS.most - SPACE_MS.least));
    const takenMs = await measureAdoption(isInPlace ? writeInPlace : writeByRename, stage);
    (isInPlace ? inPlaceMs : renameMs).push(takenMs);
    if (!(await isServed(stage))) mismatches += 1;
  }
  return { inPlaceMs, renameMs, mismatches };
}

/** From the moment when the whole content is there to the event that tells it. */
async function measureAdoption(write: Writer, { issuer, daemon, seen }: Stage): Promise<number> {
  await write(daemon.codexHome, issuer);
  const writtenAtMs = performance.now();
  const lastRefreshAtMs = Date.parse(readAuthJson(daemon.codexHome).last_refresh);
  await until("the write is adopted", () => seen.atMs.has(lastRefreshAtMs));
  return (seen.atMs.get(lastRefreshAtMs) ?? Number.NaN) - writtenAtMs;
}

async function isServed({ daemon, client }: Stage): Promise<boolean> {
  const { accessToken } = await client.getAccessToken({ minValidityMs: DAY_MS });
  return accessToken === readAuthJson(daemon.codexHome).tokens.access_token;
}

async function endureFlood({ floodWrites }: Effort, stage: Stage): Promise<Flood> {
  const { issuer, daemon, client, seen } = stage;
  const adoptionsBefore = seen.adoptions;
  const beganAtMs = performance.now();
  const flood = async (write: Writer): Promise<void> => {
    for (let count = 0; count < floodWrites; count += 1) {
      await write(daemon.codexHome, issuer);
      await delay(FLOOD_PAUSE_MS);
    }
  };
  const work = Promise.all([flood(writeInPlace), flood(writeByRename)]).then(() => performance.now());
  const { calls, failures, endedAtMs } = await askUntil(client, work);
  await until("the last write is served", () => isServed(stage));
  return {
    seconds: (endedAtMs - beganAtMs) / 1000,
    adoptions: seen.adoptions - adoptionsBefore,
    calls,
    failures,
    lastServedMs: performance.now() - endedAtMs,
  };
}

/** Asks for tokens until the work, which resolves to the time of its end, is done. */
async function askUntil(
  client: AuthClient,
  work: Promise<number>,
): Promise<Pick<Flood, "calls" | "failures"> & { readonly endedAtMs: number }> {
  const failures: string[] = [];
  let calls = 0;
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    calls += 1;
    await client
      .getAccessToken({ minValidityMs: DAY_MS })
      .catch((error: unknown) => failures.push(String(error)));
    await Promise.race([done, delay(ASK_PAUSE_MS)]);
  }
  return { calls, failures, endedAtMs: await done };
}

function proseOf({ spacedWrites, floodWrites }: Effort): string {
  return `The real daemon watches a Codex home with one login. Two writers put new logins of the same account there, each with new tokens from the issuer:

- the **truncating writer** opens \`auth.json\` itself, which empties it, writes half, waits ${TORN_MS} ms, and writes the rest;
- the **renaming writer** writes another file, which then takes the place of \`auth.json\`.

**Write to adoption.** They take turns, ${spacedWrites} writes each, with ${SPACE_MS.least} to ${SPACE_MS.most} ms after each adoption. The time runs from the moment when the whole
content is there to the arrival of the daemon's \`session/changed\` event that tells its \`last_refresh\`, at a client in another process; then
\`token/get\` has to serve that very token. Some 80 ms of it are meant: the daemon waits that long for a writer to be done.

**The flood.** Both write at the same time, ${floodWrites} times each, ${FLOOD_PAUSE_MS} ms after their last write, while a caller asks for tokens every ${ASK_PAUSE_MS} ms. The daemon
need not adopt every one of these, for most are overwritten before anybody could have used them; it must adopt the last.

A **false sign-out** is any event of the whole run that tells another state than \`active\`: an empty, torn or vanished file that was taken for a
logout.`;
}
