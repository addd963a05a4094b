/** `kill -9` at random instants of a refresh: nothing is torn, nothing that was given out is lost, nothing is lost silently. */
import { setTimeout as delay } from "node:timers/promises";
import { type AuthorizationServer, createAuthorizationServer } from "../helpers/authorization-server.js";
import type { Teardown } from "../helpers/daemon-place.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { type Examination, examine } from "./kill-examination.js";
import { killFigures } from "./kill-figures.js";
import { startLayer, startRealDaemon, type Victim } from "./kill-victims.js";
import type { Proof, ProofOptions } from "./proof.js";
import { median } from "./statistics.js";

interface Effort {
  readonly layerKills: number;
  readonly daemonKills: number;
  /** Refreshes that nobody interrupts, to know how long one takes. */
  readonly trials: number;
}

const FULL: Effort = { layerKills: 1_000, daemonKills: 60, trials: 9 };
const SHORT: Effort = { layerKills: 10, daemonKills: 2, trials: 1 };

/** Kills are spread over this multiple of a whole refresh, so that some come after its end. */
const SPREAD = 1.3;

export const kill: Proof = {
  name: "kill",
  title:
    "A daemon that is killed at any instant of a refresh spends no token twice, and loses no login silently",
  async run(options) {
    const { layerKills, daemonKills, trials } = options.isShort ? SHORT : FULL;
    const issuer = await createAuthorizationServer();
    options.teardown(() => issuer.close());
    const killAll = (start: StartVictim, kills: number): Promise<Examination[]> =>
      killRepeatedly({ start, kills, trials, issuer, options });
    const layers = await killAll((t) => startLayer(issuer, temporaryFolder(t)), layerKills);
    const daemons = await killAll((t) => startRealDaemon(t, issuer), daemonKills);
    return { figures: killFigures({ layers, daemons, reuses: issuer.reuses }), prose: PROSE };
  },
};

type StartVictim = (t: Teardown) => Promise<Victim>;

interface Series {
  readonly start: StartVictim;
  readonly kills: number;
  readonly trials: number;
  readonly issuer: AuthorizationServer;
  readonly options: ProofOptions;
}

async function killRepeatedly({ start, kills, trials, issuer, options }: Series): Promise<Examination[]> {
  const takenMs: number[] = [];
  while (takenMs.length < trials) {
    await withVictim(start, async (victim) => {
      const beganAtMs = performance.now();
      await victim.refresh();
      takenMs.push(performance.now() - beganAtMs);
    });
  }
  const windowMs = SPREAD * median(takenMs);
  const found: Examination[] = [];
  while (found.length < kills) {
    await withVictim(start, async (victim) => {
      const interrupted = victim.refresh().catch(() => {});
      await delay(windowMs * Math.random());
      const told = await victim.kill();
      await interrupted;
      found.push(await examine(victim.place, issuer, told));
    });
    if (found.length % 50 === 0) options.note(`${found.length} of ${kills} kills`);
  }
  return found;
}

/** Ends the victim, and everything that was made for it. */
async function withVictim(start: StartVictim, work: (victim: Victim) => Promise<void>): Promise<void> {
  const ends: (() => unknown)[] = [];
  const victim = await start({ teardown: (end) => ends.unshift(end) });
  try {
    await work(victim);
  } finally {
    await victim.kill();
    for (const end of ends) await end();
  }
}

const PROSE = `A refresh is begun and the process gets \`kill -9\` after a random time: up to ${SPREAD} times what a whole refresh was seen to take.
Most victims are small processes that hold the session layer, with real files, real records and real HTTP to the local authorization
server; the others are the real daemon. Each has a login of its own, which is due, so that whoever comes next has every reason to
present its refresh token. After each kill the files are read, then the session is opened again, as the next daemon would, and looked
at once as its timer does; the issuer counts what was presented.

- **The phase** is told by the traces: the issuer's list of requests, the record in the state folder, \`auth.json\`, and the tokens that
  the victim had given out.
- **Lost** is a login whose stored refresh token the issuer has spent. Nobody can help it when the process dies between the two: the
  successor was on its way, or in a memory that is gone. What can be asked for is that the next daemon says so at once, serves the
  access token to its end, and presents nothing that would end the login everywhere.
- **Temporary files** are what a kill between a write and its rename leaves behind: of a record (hashes only), or of \`auth.json\`
  (the new tokens, mode 0600).`;
