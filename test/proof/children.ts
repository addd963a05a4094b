/** Fifty real app-servers whose token is refused at the same moment, in fair weather and in foul. */
import type { AuthFailure } from "#client/app-server/index.js";
import { codexBinary } from "../helpers/codex.js";
import { runTurn } from "../helpers/hosted-app-server.js";
import { until } from "../helpers/until.js";
import { childrenFigures, type MemoryOfOne, memoryOfChildren } from "./children-figures.js";
import { endFleet, type Fleet, type Keeping, startFleet } from "./children-fleet.js";
import type { Proof, ProofOptions } from "./proof.js";

/** One way in which the moment after the refusal can go. */
export interface Weather {
  readonly name: string;
  readonly keeping: Keeping;
  /** What goes wrong, arranged before the turns begin. */
  readonly prepare?: (fleet: Fleet) => void;
  /** What goes wrong when all turns are at the backend, just before it refuses them. */
  readonly strike?: (fleet: Fleet) => void;
  /** What every host has to be told; `null`: every turn is completed. */
  readonly told: AuthFailure["code"] | null;
  /** Refresh requests that the issuer gets. */
  readonly exchanges: number;
}

export interface WeatherResult {
  readonly weather: Weather;
  readonly completed: number;
  /** Requests to the token endpoint, granted or not. */
  readonly exchanges: number;
  /** Hosts that were told what they have to be told. */
  readonly told: number;
  /** From the first 401 to the last turn that was granted; `null` when none was. */
  readonly recoveryMs: number | null;
  readonly memory: readonly MemoryOfOne[];
}

const LONG = { children: 50, slowMs: 5_000 };
const SHORT = { children: 5, slowMs: 1_000 };

export const children: Proof = {
  name: "children",
  title: "When the token of fifty app-servers is refused at once, one exchange gives all of them a new one",
  async run(options) {
    const { children: size, slowMs } = options.isShort ? SHORT : LONG;
    const weathers = weathersOf(slowMs);
    const results: WeatherResult[] = [];
    if (options.isShort) {
      results.push(...(await Promise.all(weathers.map((weather) => endure(weather, size, options)))));
    } else {
      for (const weather of weathers) results.push(await endure(weather, size, options));
    }
    return { figures: childrenFigures(size, results), prose: proseOf(slowMs) };
  },
};

function weathersOf(slowMs: number): Weather[] {
  return [
    { name: "fair", keeping: "file", told: null, exchanges: 1 },
    {
      name: "daemon killed",
      keeping: "file",
      strike: killDaemon,
      told: null,
      exchanges: 1,
    },
    {
      name: `issuer takes ${slowMs / 1000} s`,
      keeping: "file",
      prepare: ({ scene }) => scene.issuer.failNext("refresh", { kind: "delay", delayMs: slowMs }),
      told: null,
      exchanges: 1,
    },
    {
      name: "issuer says no",
      keeping: "file",
      prepare: ({ scene }) => scene.issuer.revokeEverything(),
      told: "ERR_REFRESH_REJECTED",
      exchanges: 1,
    },
    {
      name: "daemon killed, login in its memory",
      keeping: "memory",
      strike: killDaemon,
      told: "ERR_LOGIN_REQUIRED",
      exchanges: 0,
    },
  ];
}

function killDaemon({ daemon }: Fleet): void {
  void daemon.stop("SIGKILL");
}

async function endure(weather: Weather, size: number, options: ProofOptions): Promise<WeatherResult> {
  options.note(`${weather.name}: ${size} app-servers`);
  const fleet = await startFleet(size, weather.keeping, options);
  const { issuer, backend } = fleet.scene;
  const memory = memoryOfChildren(codexBinary);
  const turnsBefore = backend.requestsTo("responses").length;
  issuer.rejectAccessToken(fleet.token);
  weather.prepare?.(fleet);
  backend.gatherNext(size, () => weather.strike?.(fleet));
  const turns = await Promise.all(fleet.members.map(({ server }) => runTurn(server)));
  const isTold = ({ code }: AuthFailure): boolean => code === weather.told;
  const told = (): number => fleet.members.filter(({ failures }) => failures.some(isTold)).length;
  if (weather.told !== null) await until("every host is told", () => told() === size);
  const calls = backend.requestsTo("responses").slice(turnsBefore);
  const result: WeatherResult = {
    weather,
    completed: turns.filter(({ status }) => status === "completed").length,
    exchanges: issuer.requestsTo("refresh").length,
    told: told(),
    recoveryMs: recoveryOf(calls),
    memory,
  };
  await endFleet(fleet);
  return result;
}

function recoveryOf(calls: readonly { readonly status: number; readonly atMs: number }[]): number | null {
  const refused = calls.find(({ status }) => status === 401);
  const granted = calls.findLast(({ status }) => status === 200);
  return refused && granted ? granted.atMs - refused.atMs : null;
}

function proseOf(slowMs: number): string {
  return `Each weather has an issuer, a backend, a daemon with one login, and the app-servers: processes of the real \`codex app-server\`
(codex-cli 0.169), each in a Codex home of its own without an \`auth.json\`, connected by \`connectAppServer\` with external tokens. One
process of ours hosts them all. Each completes a turn first. Then their access token is rejected, all begin a turn, and the
backend holds the requests of the model until every one is there, and answers 401 to all of them at once. Each child asks its host for another
token, and the hosts ask the daemon.

**First 401 to last retry** is the time until the backend granted the last turn that it had refused. In **fair** weather nothing goes wrong.

**The daemon is killed** (SIGKILL) when all turns are at the backend, just before the 401s. The host that misses it first starts it again.
A login that is kept in a file is there again with the daemon; one in its memory has ended, and every host gets \`authFailure\` with
\`ERR_LOGIN_REQUIRED\` and what to do.

**The issuer takes ${slowMs / 1000} s** for the exchange. Codex waits 10 s for its token, so all of them get it on the first attempt.

**The issuer says no**: the login was revoked. It is asked once; every host gets \`authFailure\` with \`ERR_REFRESH_REJECTED\`. Codex
attempts each turn six times, and each of these is answered with the verdict that is known.

**Memory** is what Linux counts for one child after its first turn: resident, and its share (PSS), for the pages of the program itself are
the same for all.`;
}
