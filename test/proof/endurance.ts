/** Two hundred sessions of twenty-second tokens for ten minutes: as many exchanges as one login takes in a year. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { type AuthorizationServer, createAuthorizationServer } from "../helpers/authorization-server.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { post } from "../helpers/socket-call.js";
import { enduranceFigures } from "./endurance-figures.js";
import { type Usage, usageOf } from "./process-usage.js";
import type { Proof, ProofOptions } from "./proof.js";
import { type RefreshWatch, watchRefreshes } from "./refresh-watch.js";

export interface Effort {
  readonly sessions: number;
  readonly lifetimeSeconds: number;
  /** Over which they are opened, so that they do not all fall due at once. */
  readonly spreadMs: number;
  readonly durationMs: number;
  readonly sampleMs: number;
}

const FULL: Effort = {
  sessions: 200,
  lifetimeSeconds: 20,
  spreadMs: 10_000,
  durationMs: 600_000,
  sampleMs: 5_000,
};

/** Each is refreshed once, after four to seven seconds. */
const SHORT: Effort = { sessions: 20, lifetimeSeconds: 9, spreadMs: 1_000, durationMs: 6_000, sampleMs: 500 };

/** How long the run goes on until every session was refreshed, on a machine that is busy. */
const PATIENCE_MS = 30_000;

/** What the run saw. */
export interface EnduranceRun {
  readonly effort: Effort;
  readonly usage: readonly Usage[];
  readonly watch: RefreshWatch;
  readonly tokensServed: number;
  /** Those that the issuer did not accept at that moment, and calls that brought none. */
  readonly badAnswers: number;
  /** Between two exchanges of one login, as they arrived at the issuer. */
  readonly gapsMs: readonly number[];
  readonly exchanges: number;
  readonly reuses: number;
  readonly violations: number;
  /** Sessions whose file, after the daemon's end, holds another token than the issuer's newest. */
  readonly lost: number;
  readonly exitCode: number | null;
  /** The issuer and the clock of the lags are in this process: what held it up, held them up. */
  readonly longestStallMs: number;
}

export const endurance: Proof = {
  name: "endurance",
  title: "A daemon that refreshes hundreds of short-lived logins stays small, punctual and exact",
  async run(options) {
    const effort = options.isShort ? SHORT : FULL;
    const run = await endure(options, effort);
    return { figures: enduranceFigures(run, options.isShort), prose: proseOf(effort) };
  },
};

async function endure(options: ProofOptions, effort: Effort): Promise<EnduranceRun> {
  const issuer = await createAuthorizationServer({ accessTokenLifetimeSeconds: effort.lifetimeSeconds });
  options.teardown(() => issuer.close());
  const daemon = await startDaemon(options, { issuer, config: { log_level: "warn" } });
  const client = daemon.client();
  const watch = watchRefreshes(client);
  const stalls = monitorEventLoopDelay();
  stalls.enable();
  const homes = await openSessions(daemon, issuer, effort);
  const samples = await takeSamples({ daemon, issuer, homes, effort, note: options.note });
  await client.close();
  const exitCode = await daemon.stop();
  const { exchanges, reuses, violations } = issuer;
  return {
    ...samples,
    effort,
    watch,
    gapsMs: gapsBetweenExchanges(issuer),
    exchanges,
    reuses,
    violations: violations.length,
    lost: homes.filter((home, at) => refreshTokenIn(home) !== newestOf(issuer, at)).length,
    exitCode,
    longestStallMs: stalls.max / 1_000_000,
  };
}

interface Scene {
  readonly daemon: Daemon;
  readonly issuer: AuthorizationServer;
  readonly homes: readonly string[];
  readonly effort: Effort;
  readonly note: (progress: string) => void;
}

type Samples = Pick<EnduranceRun, "usage" | "tokensServed" | "badAnswers">;

async function takeSamples({ daemon, issuer, homes, effort, note }: Scene): Promise<Samples> {
  const usage = [usageOf(daemon.pid)];
  let tokensServed = 0;
  let badAnswers = 0;
  const endAtMs = Date.now() + effort.durationMs;
  while (Date.now() < endAtMs || (issuer.exchanges < homes.length && Date.now() < endAtMs + PATIENCE_MS)) {
    await delay(effort.sampleMs);
    for (const home of homes) {
      if (issuer.isAccessTokenValid(await tokenOf(daemon, home))) tokensServed += 1;
      else badAnswers += 1;
    }
    usage.push(usageOf(daemon.pid));
    note(`${Math.ceil((endAtMs - Date.now()) / 1000)} s left, ${issuer.exchanges} exchanges`);
  }
  return { usage, tokensServed, badAnswers };
}

async function openSessions(daemon: Daemon, issuer: AuthorizationServer, effort: Effort): Promise<string[]> {
  const homes = Array.from({ length: effort.sessions }, (_, at) => join(daemon.home, `codex-${at}`));
  const client = daemon.client();
  for (const home of homes) {
    mkdirSync(home, { mode: 0o700 });
    writeLogin(home, issuer);
    await client.getStatus({ codexHome: home });
    await delay(effort.spreadMs / effort.sessions);
  }
  await client.close();
  return homes;
}

function gapsBetweenExchanges(issuer: AuthorizationServer): number[] {
  const arrivedAtMs = new Map(
    issuer.requestsTo("refresh").map(({ parsed, atMs }) => [parsed.refresh_token, atMs]),
  );
  return issuer.families.flatMap(({ refreshTokens }) => {
    const times = refreshTokens.flatMap(({ value }) => arrivedAtMs.get(value) ?? []);
    return times.slice(1).map((time, at) => time - (times[at] ?? time));
  });
}

/** From the daemon itself, past the cache of the library; '' where it has none to give. */
async function tokenOf(daemon: Daemon, codexHome: string): Promise<string> {
  const call = { jsonrpc: "2.0", id: 1, method: "token/get", params: { codexHome } };
  const { body } = await post(daemon.socket, JSON.stringify(call));
  return JSON.parse(body).result?.accessToken ?? "";
}

function refreshTokenIn(home: string): string {
  return readAuthJson(home).tokens.refresh_token;
}

function newestOf(issuer: AuthorizationServer, at: number): string | undefined {
  return issuer.families[at]?.refreshTokens.at(-1)?.value;
}

function proseOf({ sessions, lifetimeSeconds, durationMs, sampleMs }: Effort): string {
  return `The real daemon keeps ${sessions} Codex homes fresh whose access tokens live ${lifetimeSeconds} s, for ${durationMs / 1000} s, against the
local authorization server, which counts every exchange and would end a login at the first refresh token that came twice. Every
${sampleMs / 1000} s each session is asked for its token over the socket, and the issuer says whether it would accept it; then memory,
descriptors and processor time are read from /proc.

- **lag** is the time from the moment a token was due (as \`status\` said it) to the event that tells of its stored successor. Up to
  one second of it is the pace of the daemon's looks, and up to one the \`Date\` header, by which a daemon knows the issuer's clock.
  What the machine did besides comes on top: see the load, and the longest stall of the process that is issuer and clock here.
- **gap** is the time between two exchanges of one login, as they arrive at the issuer: half a lifetime, give or take 5 %, and the lag;
  the issuer stamps its tokens in whole seconds.
- **resident memory** is compared by medians of the middle and the last third of the run; the first third is for warming up.`;
}
