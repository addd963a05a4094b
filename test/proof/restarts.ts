/** Restarts and an upgrade under load: no call fails, with an activated socket and without. */
import { setTimeout as delay } from "node:timers/promises";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { createPlace, type Place } from "../helpers/daemon-place.js";
import { writeLogin } from "../helpers/logins.js";
import {
  atLeast,
  bounded,
  exactly,
  type Figure,
  informative,
  type Proof,
  type ProofOptions,
} from "./proof.js";
import { type LoadTally, startLoad } from "./restarts-load.js";
import {
  plainSupervisor,
  type Supervisor,
  systemdSupervisor,
  upgradedDaemon,
} from "./restarts-supervisors.js";
import { quantile } from "./statistics.js";

interface Effort {
  readonly restarts: number;
  readonly callsPerSecond: number;
}

const LONG: Effort = { restarts: 100, callsPerSecond: 50 };
const SHORT: Effort = { restarts: 3, callsPerSecond: 50 };

/** Restarts come at any moment of the load. */
const PAUSE_MAX_MS = 300;

export const restarts: Proof = {
  name: "restarts",
  title: "No call fails while the daemon is restarted and upgraded",
  async run(options) {
    const effort = options.isShort ? SHORT : LONG;
    const figures = await restartUnderLoad({ kind: "plain", start: plainSupervisor, ...effort }, options);
    if (options.isShort) return { figures, prose: PROSE }; // The other is among the system tests, which have systemd.
    const activated = { kind: "socket-activated", start: systemdSupervisor, ...effort };
    return { figures: [...figures, ...(await restartUnderLoad(activated, options))], prose: PROSE };
  },
};

export interface RestartSeries extends Effort {
  readonly kind: string;
  readonly start: (options: ProofOptions, place: Place) => Promise<Supervisor>;
}

/** The figures of one kind of supervisor. */
export async function restartUnderLoad(
  { kind, start, restarts, callsPerSecond }: RestartSeries,
  options: ProofOptions,
): Promise<Figure[]> {
  const issuer = await startAuthorizationServer(options);
  const place = createPlace(options, { issuer });
  writeLogin(place.codexHome, issuer);
  const supervisor = await start(options, place);
  const load = startLoad(supervisor.env, place.home, callsPerSecond);
  for (let restart = 1; restart <= restarts; restart++) {
    await load.caughtUp();
    await delay(PAUSE_MAX_MS * Math.random());
    await supervisor.restart();
    if (restart % 10 === 0) options.note(`${kind}: ${restart} of ${restarts} restarts`);
  }
  const before = load.version();
  await supervisor.upgrade(upgradedDaemon(options));
  await load.untilVersionIsNot(before);
  return figuresOf(kind, restarts, await load.end());
}

function figuresOf(
  kind: string,
  restarts: number,
  { takenMs, failures, pids, versions }: LoadTally,
): Figure[] {
  return [
    // One that lives shorter than the pause between two calls may answer none.
    bounded(`${kind}: daemons that answered`, pids, atLeast(Math.floor(0.9 * restarts))),
    bounded(`${kind}: versions that answered`, versions, exactly(2)),
    informative(`${kind}: calls`, takenMs.length),
    bounded(`${kind}: failed calls`, failures.length, exactly(0)),
    informative(`${kind}: a call, median, ms`, quantile(takenMs, 0.5).toFixed(0)),
    informative(`${kind}: a call, 99th percentile, ms`, quantile(takenMs, 0.99).toFixed(0)),
    informative(`${kind}: a call, the longest, ms`, Math.max(...takenMs).toFixed(0)),
    ...(failures[0] ? [informative(`${kind}: first failure`, failures[0])] : []),
  ];
}

const PROSE = `Fifty calls a second go to one daemon, each begun on time whether or not the one before has been answered: four of five by one client of the
library with kept-alive connections, every fifth by a client of its own, as a new process would. No client may start a daemon. Meanwhile the
daemon is ended with SIGTERM and started again, 100 times at random moments once the calls that waited for it have been answered, and at last replaced by a copy of another version.

- **Plain**: a supervisor starts the next daemon when the one before has ended. In between there is no socket; clients see by the lock beside
  it that a daemon has just ended, and dial again for the time of a start.
- **Socket-activated**: a real \`systemd --user\` with the units of this repository and \`systemctl restart\`. The socket stays open, and who calls in
  between waits for the next daemon.

The longest call is one that came at the beginning of a restart; it lasts as long as Node takes to start on this machine.`;
