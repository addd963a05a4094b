/** Hundreds of callers in several processes, at every expiry of a short-lived token. */
import { fileURLToPath } from "node:url";
import type { AuthClient } from "#client/index.js";
import { type AuthorizationServer, startAuthorizationServer } from "../helpers/authorization-server.js";
import { type Child, startNode } from "../helpers/child.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { until } from "../helpers/until.js";
import type { CallerTally } from "./callers-process.js";
import {
  atLeast,
  bounded,
  exactly,
  type Figure,
  informative,
  type Proof,
  type ProofOptions,
} from "./proof.js";
import { quantile } from "./statistics.js";

interface Effort {
  readonly callers: number;
  readonly processes: number;
  readonly expiries: number;
  /** Under the 5 s that the daemon leaves between exchanges of its own accord: so it is a caller who finds it expired. */
  readonly lifetimeSeconds: number;
}

const LONG: Effort = { callers: 500, processes: 8, expiries: 100, lifetimeSeconds: 3 };
const SHORT: Effort = { callers: 20, processes: 2, expiries: 2, lifetimeSeconds: 2 };

/** What the last token lives, so that nothing is under way while the exchanges are counted. */
const LAST_LIFETIME_SECONDS = 3600;

/** What the issuer takes for an exchange: long enough for all callers to come while it is under way. */
const EXCHANGE_MS = 250;

/** `exp` counts whole seconds, so a token lives up to one less; and a start may add an exchange of its own. */
const SPARE_EXCHANGES = 50;

const CALLERS_PROCESS = fileURLToPath(new URL("callers-process.js", import.meta.url));

export const callers: Proof = {
  name: "callers",
  title: "However many callers meet an expiry, the refresh token is exchanged once",
  async run(options) {
    const effort = options.isShort ? SHORT : LONG;
    return { figures: figuresOf(effort, await runCallers(effort, options)), prose: proseOf(effort) };
  },
};

interface CallersRun {
  readonly tallies: readonly CallerTally[];
  /** Generations that a refresh began, as the daemon's events told them. */
  readonly generations: number;
  /** Changes of the session that were neither a refresh nor the adoption of the login. */
  readonly otherChanges: number;
  readonly issuer: AuthorizationServer;
}

async function runCallers(effort: Effort, options: ProofOptions): Promise<CallersRun> {
  const issuer = await startAuthorizationServer(options, {
    accessTokenLifetimeSeconds: effort.lifetimeSeconds,
  });
  issuer.failNext("refresh", { kind: "delay", delayMs: EXCHANGE_MS }, effort.expiries + SPARE_EXCHANGES);
  const daemon = await startDaemon(options, { issuer });
  const client = daemon.client();
  const changes = await followChanges(client);
  writeLogin(daemon.codexHome, issuer);
  await until("the login is adopted", () => changes.count("adoption") > 0);
  const processes = startProcesses(effort, daemon, options);
  const tallies = await talliesAfter(processes, () => untilExchanged(effort, issuer, options));
  issuer.accessTokenLifetimeSeconds = LAST_LIFETIME_SECONDS;
  await until("the token lasts", async () => {
    const { expiresAtMs } = await client.getAccessToken();
    return (expiresAtMs ?? 0) > Date.now() + 500 * LAST_LIFETIME_SECONDS;
  });
  const { generation } = await client.getStatus();
  await until("all events are here", () => changes.generation >= generation);
  const refreshes = changes.count("refresh");
  const otherChanges = changes.total - refreshes - changes.count("adoption");
  return { tallies, generations: refreshes, otherChanges, issuer };
}

/** Counts the changes of all sessions by their cause, from now on. */
async function followChanges(client: AuthClient) {
  const generations = new Map<string, Set<number>>();
  const events = client.events();
  await events.next();
  const changes = {
    generation: 0,
    count: (cause: string) => generations.get(cause)?.size ?? 0,
    get total() {
      return [...generations.values()].reduce((sum, { size }) => sum + size, 0);
    },
  };
  void (async () => {
    for await (const event of events) {
      if (event.type !== "session/changed") continue;
      const { cause, session } = event.data;
      generations.set(cause, (generations.get(cause) ?? new Set()).add(session.generation));
      changes.generation = session.generation;
    }
  })();
  return changes;
}

/** The callers, shared out evenly; the processes end with the proof at the latest. */
function startProcesses({ callers, processes }: Effort, daemon: Daemon, options: ProofOptions): Child[] {
  return Array.from({ length: processes }, (_, number) => {
    const share = Math.floor((callers + number) / processes);
    const child = startNode([CALLERS_PROCESS, String(share)], { env: daemon.env, cwd: daemon.home });
    options.teardown(() => child.kill("SIGKILL"));
    return child;
  });
}

async function talliesAfter(processes: readonly Child[], work: () => Promise<void>): Promise<CallerTally[]> {
  const ends = processes.map(({ ended }) => ended);
  // A process that ends before it is told to has failed, and says why below.
  await Promise.race([work(), ...ends]);
  for (const child of processes) child.end();
  const runs = await Promise.all(ends);
  return runs.flatMap(({ code, stdout, stderr }): CallerTally[] => {
    if (code !== 0) throw new Error(`A process of callers exited with ${code}:\n${stderr}`);
    return JSON.parse(stdout);
  });
}

async function untilExchanged(
  { expiries }: Effort,
  issuer: AuthorizationServer,
  { note }: ProofOptions,
): Promise<void> {
  while (issuer.exchanges < expiries) {
    const before = issuer.exchanges;
    await until("the token is exchanged", () => issuer.exchanges > before);
    if (issuer.exchanges % 10 === 0) note(`${issuer.exchanges} of ${expiries} expiries`);
  }
}

function figuresOf(effort: Effort, { tallies, generations, otherChanges, issuer }: CallersRun): Figure[] {
  const takenMs = tallies.flatMap((tally) => tally.takenMs);
  const failures = tallies.flatMap((tally) => tally.failures);
  const sum = (of: (tally: CallerTally) => number): number =>
    tallies.reduce((total, tally) => total + of(tally), 0);
  const figures = [
    bounded("callers", tallies.length, exactly(effort.callers)),
    informative("processes", effort.processes),
    bounded("exchanges", issuer.exchanges, atLeast(effort.expiries)),
    bounded("exchanges more than refresh generations", issuer.exchanges - generations, exactly(0)),
    bounded(
      "requests to the token endpoint more than generations",
      issuer.requestsTo("refresh").length - generations,
      exactly(0),
    ),
    bounded("spent refresh tokens presented", issuer.reuses, exactly(0)),
    bounded("requests that depart from upstream's form", issuer.violations.length, exactly(0)),
    bounded("changes of the session that are no refresh", otherChanges, exactly(0)),
    informative("calls", takenMs.length + failures.length),
    bounded("failed calls", failures.length, exactly(0)),
    informative("tokens that a caller got, the least", Math.min(...tallies.map(({ tokens }) => tokens))),
    informative(
      "tokens that were past their end on arrival",
      sum(({ expired }) => expired),
    ),
    informative("the longest past its end, ms", Math.max(...tallies.map(({ pastEndMs }) => pastEndMs))),
    informative("a call, median, ms", quantile(takenMs, 0.5).toFixed(0)),
    informative("a call, 99th percentile, ms", quantile(takenMs, 0.99).toFixed(0)),
  ];
  return failures.length === 0 ? figures : [...figures, informative("first failure", failures[0] ?? "")];
}

function proseOf({ callers, processes, expiries, lifetimeSeconds }: Effort): string {
  return `The real daemon owns one login. ${callers} callers in ${processes} processes, each with a client of the library of its own, ask for a token, wait
until that token has expired, and ask again at once, until it has been exchanged ${expiries} times. Tokens live ${lifetimeSeconds} s, less than the 5 s that
the daemon leaves between exchanges of its own accord, so it is the callers' calls that find the token expired. The issuer takes ${EXCHANGE_MS} ms for an
exchange, rotates the refresh token with it, and revokes the login when a spent one is presented.

**Refresh generations** are those that the daemon's events tell as begun by a refresh: each must stand for one exchange, no more and no
less. The end waits until nothing is under way.

**Past their end** by this machine's clock. The daemon goes by the issuer's clock, which it knows from the \`Date\` of its answers, in whole
seconds. A caller that gets such a token asks again 100 ms later, which is why there are more calls than callers times expiries.

**The time of a call** includes the wait for the exchange, and the machine is shared by the daemon, the issuer and all callers.`;
}
