import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "./child.js";
import { createPlace, failing, type Place, type PlaceOptions, type Teardown } from "./daemon-place.js";
import { assertNoSecret, secretsOf } from "./leaked-secrets.js";

/** A real daemon, serving in a place of its own. */
export interface Daemon extends Place {
  readonly pid: number;
  /** Its log so far: one JSON object a line. */
  log(): string;
  /** Sends a signal, by default SIGTERM, and answers the exit code when it has ended; `null` after a SIGKILL. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A start takes 0.3 s, on a busy machine some more. */
const START_PATIENCE_MS = 30_000;

const LOOK_MS = 20;

/**
 * Starts the real daemon and waits until it answers `/healthz`. With the test it is stopped, has to exit 0 if nobody
 * stopped it before, and has to have kept every secret of the issuer out of its log.
 */
export async function startDaemon(t: Teardown, options: PlaceOptions): Promise<Daemon> {
  const place = createPlace(t, options);
  const child = place.startProgram();
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    return (await child.ended).code;
  };
  t.teardown(() =>
    failing(async () => {
      const code = child.isRunning ? await stop() : 0;
      assertNoSecret(child.stderr, secretsOf(options.issuer), "the daemon's log");
      if (code !== 0) throw new Error(`The daemon exited with ${code}. Its log was:\n${child.stderr}`);
    }),
  );
  await untilHealthy(place.socket, child);
  return { ...place, pid: child.pid, log: () => child.stderr, stop };
}

async function untilHealthy(socket: string, child: Child): Promise<void> {
  const deadlineAtMs = Date.now() + START_PATIENCE_MS;
  while ((await healthOf(socket)) !== 200) {
    if (!child.isRunning || Date.now() > deadlineAtMs) {
      throw new Error(`The daemon did not come up. Its log was:\n${child.stderr}`);
    }
    await delay(LOOK_MS);
  }
}

/** Status of `/healthz`; `undefined` while nobody listens. */
function healthOf(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = { host: "localhost" };
    const call = request({ socketPath, path: "/healthz", headers, agent: false }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    call.once("error", () => resolve(undefined)).end();
  });
}
