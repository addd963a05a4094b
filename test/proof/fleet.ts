/** Many real Codex processes on one login: what becomes of it without the daemon, and beside it. */
import { setTimeout as delay } from "node:timers/promises";
import { writeAgedLogin } from "../helpers/aged-login.js";
import type { AppServer } from "../helpers/app-server.js";
import type { AuthorizationServer, RecordedRequest } from "../helpers/authorization-server.js";
import type { Daemon } from "../helpers/daemon.js";
import { readAuthJson } from "../helpers/logins.js";
import { createScene, type Scene } from "../helpers/real-codex-scene.js";
import { until } from "../helpers/until.js";
import { fleetFigures } from "./fleet-figures.js";
import type { Proof, ProofOptions } from "./proof.js";

/** Past the 336 s from which on the daemon is always earlier than Codex, and short enough to be seen several times. */
const LIFETIME_SECONDS = 400;

/** Twice a second, as a busy IDE does. */
const ASK_PAUSE_MS = 500;

/** What the issuer takes for an exchange, about as much as one at the other end of the internet. */
const EXCHANGE_MS = 250;

/** More than a run has. */
const MANY_EXCHANGES = 1_000;

/** So that every refresh goes where `oauth_provenance` in auth.json says, as it does outside a laboratory. */
const NO_OVERRIDES: NodeJS.ProcessEnv = {
  CODEX_REFRESH_TOKEN_URL_OVERRIDE: undefined,
  CODEX_REVOKE_TOKEN_URL_OVERRIDE: undefined,
  CODEX_APP_SERVER_LOGIN_ISSUER: undefined,
};

/** Longer than any token has: a client that is asked for it does not answer from its cache. */
const DAY_MS = 86_400_000;

/** How the daemon's User-Agent begins; Codex names itself by its originator and version there. */
const DAEMON_AGENT = /^codex-authd\//;

export interface Arm {
  readonly isBesideDaemon: boolean;
  readonly processes: number;
  /** Age of the login at the start. Codex refreshes at 100 s, the daemon at about 40 s. */
  readonly ageSeconds: number;
  readonly seconds: number;
}

export interface ArmResult {
  /** Exchanges that were tried during the run. */
  readonly byCodex: number;
  readonly byDaemon: number;
  /** Of `getAuthStatus`, during the run. */
  readonly answers: number;
  readonly answersWithoutToken: number;
  /** Exchanges by Codex in the forced refreshes at the end, and how many of their tokens the daemon then served. */
  readonly forced: number;
  readonly adopted: number;
  readonly reuses: number;
  readonly familiesRevoked: number;
  /** App-servers that have no token at the end, or one that the issuer refuses. */
  readonly signedOut: number;
  readonly violations: readonly string[];
}

const LONG_ALONE: Arm = { isBesideDaemon: false, processes: 8, ageSeconds: 60, seconds: 150 };
const LONG_BESIDE: Arm = { isBesideDaemon: true, processes: 8, ageSeconds: 0, seconds: 240 };
const SHORT_ALONE: Arm = { isBesideDaemon: false, processes: 2, ageSeconds: 99, seconds: 2 };
const SHORT_BESIDE: Arm = { isBesideDaemon: true, processes: 2, ageSeconds: 50, seconds: 2 };

export const fleet: Proof = {
  name: "fleet",
  title: "A fleet of real Codex processes on one login is never signed out beside the daemon",
  async run(options) {
    const alone = options.isShort ? SHORT_ALONE : LONG_ALONE;
    const beside = options.isShort ? SHORT_BESIDE : LONG_BESIDE;
    const aloneResult = await runArm(alone, options);
    const besideResult = await runArm(beside, options);
    const figures = fleetFigures({ alone, beside, aloneResult, besideResult });
    return { figures, prose: proseOf(alone, beside) };
  },
};

async function runArm(arm: Arm, options: ProofOptions): Promise<ArmResult> {
  const where = arm.isBesideDaemon ? "beside the daemon" : "without the daemon";
  options.note(`${arm.processes} app-servers ${where}, ${arm.seconds} s`);
  const scene = await createScene(options, { accessTokenLifetimeSeconds: LIFETIME_SECONDS });
  const { issuer, codex } = scene;
  issuer.failNext("refresh", { kind: "delay", delayMs: EXCHANGE_MS }, MANY_EXCHANGES);
  const daemon = arm.isBesideDaemon ? await scene.startDaemon() : undefined;
  writeAgedLogin(codex.path, issuer, arm.ageSeconds);
  const starts = Array.from({ length: arm.processes }, () => scene.startAppServer(NO_OVERRIDES));
  const appServers = await Promise.all(starts);
  const asked = await askAll(appServers, arm.seconds);
  const during = exchangesOf(issuer);
  options.note(`${where}, after the run: ${during.byCodex} exchanges by Codex, ${during.byDaemon} by ours`);
  const adopted = await forceEach(appServers, scene, daemon);
  const signedOut = await countSignedOut(appServers, issuer);
  const result: ArmResult = {
    ...during,
    ...asked,
    forced: exchangesOf(issuer).byCodex - during.byCodex,
    adopted,
    reuses: issuer.reuses,
    familiesRevoked: issuer.families.filter(({ revokedBecause }) => revokedBecause !== undefined).length,
    signedOut,
    violations: issuer.violations,
  };
  await Promise.all(appServers.map((appServer) => appServer.close()));
  await daemon?.stop();
  return result;
}

async function askAll(
  appServers: readonly AppServer[],
  seconds: number,
): Promise<Pick<ArmResult, "answers" | "answersWithoutToken">> {
  const endAtMs = Date.now() + 1000 * seconds;
  let answers = 0;
  let answersWithoutToken = 0;
  await Promise.all(
    appServers.map(async (appServer) => {
      while (Date.now() < endAtMs) {
        const { authToken } = await appServer.getAuthStatus({ includeToken: true });
        answers += 1;
        if (authToken === null) answersWithoutToken += 1;
        await delay(ASK_PAUSE_MS);
      }
    }),
  );
  return { answers, answersWithoutToken };
}

/** Exchanges that were tried, by the one who tried. */
function exchangesOf(issuer: AuthorizationServer): Pick<ArmResult, "byCodex" | "byDaemon"> {
  const requests = issuer.requestsTo("refresh");
  const byDaemon = requests.filter((request) => DAEMON_AGENT.test(userAgentOf(request))).length;
  return { byCodex: requests.length - byDaemon, byDaemon };
}

function userAgentOf({ headers }: RecordedRequest): string {
  return headers.find(([name]) => name.toLowerCase() === "user-agent")?.[1] ?? "";
}

/**
 * Has each refresh, one after the other. A Codex that finds a newer token on disk takes that instead of an exchange, so it
 * is asked a second time. Answers how many of the tokens that Codex brought were then served by the daemon.
 */
async function forceEach(
  appServers: readonly AppServer[],
  { issuer, codex }: Scene,
  daemon: Daemon | undefined,
): Promise<number> {
  const client = daemon?.client();
  let adopted = 0;
  for (const appServer of appServers) {
    const { byCodex: before } = exchangesOf(issuer);
    for (let tries = 0; tries < 2 && exchangesOf(issuer).byCodex === before; tries += 1) {
      await appServer.getAuthStatus({ includeToken: true, refreshToken: true });
    }
    if (client === undefined || exchangesOf(issuer).byCodex === before) continue;
    const { access_token: stored } = readAuthJson(codex.path).tokens;
    await until("the daemon serves what Codex stored", async () => {
      return (await client.getAccessToken({ minValidityMs: DAY_MS })).accessToken === stored;
    });
    adopted += 1;
  }
  return adopted;
}

async function countSignedOut(
  appServers: readonly AppServer[],
  issuer: AuthorizationServer,
): Promise<number> {
  const statuses = await Promise.all(
    appServers.map((appServer) => appServer.getAuthStatus({ includeToken: true })),
  );
  const isIn = (token: string | null): boolean => token !== null && issuer.isAccessTokenValid(token);
  return statuses.filter(({ authToken }) => !isIn(authToken)).length;
}

function proseOf(alone: Arm, beside: Arm): string {
  return `Each arm has an issuer, a Codex home with one login in \`auth.json\`, and ${beside.processes} processes of the real \`codex
app-server\` (codex-cli 0.169) on it, each asked \`getAuthStatus {includeToken: true}\` twice a second. Access tokens live ${LIFETIME_SECONDS} s.
The issuer takes ${EXCHANGE_MS} ms for an exchange, rotates the refresh token with it, and revokes the login when a spent one is presented. Where to refresh,
Codex takes from \`oauth_provenance\` of \`auth.json\`; no environment variable steers it. The arms differ in the daemon alone: one
runs beside the second fleet, told of nothing but the issuer and the Codex home.

Whose exchange it was is told by the \`User-Agent\` of the request.

**Without the daemon** the login is ${alone.ageSeconds} s old at the start, so that the moment 5 minutes before \`exp\`, when Codex refreshes, comes
${LIFETIME_SECONDS - 300 - alone.ageSeconds} s later. The processes reach it within half a second of each other; codex-cli 0.169 holds no lock while it exchanges, so those that come while
another's exchange is under way present the same refresh token. How many do is chance.

**Beside the daemon** the login is fresh. The daemon refreshes each token when it is some 40 s old, so Codex, when its own time comes at
100 s, finds a newer token on disk and takes that.

**At the end** of each arm every process is asked \`getAuthStatus {refreshToken: true}\`, one after the other: an exchange by Codex
itself, except where it finds a newer token on disk; then it is asked once more. The daemon has to serve each token that Codex brought. Then it is counted
who has no token, or one that the issuer refuses.

**Where it holds.** The daemon is due at max(0.1 L, min(½ L, L − 15 min)) after issue, ± 5 %, plus a second for its timer; Codex at
L − 5 min. From L = 336 s on the daemon is always earlier. Below that Codex may refresh by itself, and processes that do so at
the same time can still meet. Real access tokens live for days.`;
}
