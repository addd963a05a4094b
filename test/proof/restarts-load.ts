import { type AuthClient, createAuthClient } from "#client/index.js";
import { until } from "../helpers/until.js";

export interface LoadTally {
  readonly takenMs: readonly number[];
  readonly failures: readonly string[];
  /** How many daemons and versions answered. */
  readonly pids: number;
  readonly versions: number;
}

export interface Load {
  /** The version that answered last. */
  version(): string | undefined;
  untilVersionIsNot(version: string | undefined): Promise<void>;
  /** Resolves when the calls that have been begun are answered. */
  caughtUp(): Promise<void>;
  /** Begins no more, and waits for the last ones. */
  end(): Promise<LoadTally>;
}

/** Every so many calls one by a client of its own. */
const FRESH_EVERY = 5;

/** Begins calls at that rate until it is ended, whether or not earlier ones were answered. */
export function startLoad(env: NodeJS.ProcessEnv, cwd: string, callsPerSecond: number): Load {
  const settings = { env, cwd, autostart: false };
  const client = createAuthClient(settings);
  const takenMs: number[] = [];
  const failures: string[] = [];
  const pids = new Set<number>();
  const versions = new Set<string>();
  let version: string | undefined;
  let number = 0;
  const calls = new Set<Promise<void>>();
  const look = async (): Promise<void> => {
    // Who answers is asked beside the load: between two daemons nobody does, which is no failure.
    const status = await client.getDaemonStatus().catch(() => undefined);
    if (!status) return;
    pids.add(status.pid);
    versions.add(status.version);
    version = status.version;
  };
  const caughtUp = async (): Promise<void> => {
    await Promise.all(calls);
  };
  const timer = setInterval(() => {
    const call = timed(
      number++ % FRESH_EVERY === 0 ? () => freshCall(settings) : () => client.getStatus(),
    ).then(
      (ms) => void takenMs.push(ms),
      (error) => void failures.push(`${error.code}: ${error.message}`),
    );
    calls.add(call);
    void call.then(() => calls.delete(call)).then(look);
  }, 1_000 / callsPerSecond);
  return {
    version: () => version,
    untilVersionIsNot: (old) => until("the other version answers", () => version !== old),
    caughtUp,
    async end() {
      clearInterval(timer);
      await caughtUp();
      await client.close();
      return { takenMs, failures, pids: pids.size, versions: versions.size };
    },
  };
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const beganAtMs = performance.now();
  await call();
  return performance.now() - beganAtMs;
}

async function freshCall(settings: ConstructorParameters<typeof AuthClient>[0]): Promise<void> {
  await using client = createAuthClient(settings);
  await client.getAccessToken();
}
