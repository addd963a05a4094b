/** Starts the daemon on demand: once, whatever the race, and in a state that outlives the caller. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { type Clock, type Environment, logPath, sleep } from "@codex-authd/shared";
import { ClientError } from "./client-error.js";
import { isComing } from "./comeback.js";
import { type DaemonProgram, daemonEnvironment, findDaemonProgram } from "./daemon-program.js";
import { logTail, openStartLog, type StartLog } from "./start-log.js";
import { claimStartMarker, releaseStartMarker } from "./start-marker.js";

export interface StartOptions {
  readonly env: Environment;
  /** Where the daemon shall listen. */
  readonly socketPath: string;
  readonly clock: Clock;
  /** Default: {@link findDaemonProgram}. */
  readonly program?: DaemonProgram;
  /** Ends the wait, not the program that was started. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A start takes under a second. But a new daemon waits up to 12 s for one that is still draining, and its caller has to
 * outlast that, with room for the start itself.
 */
const START_DEADLINE_MS = 15_000;
const START_DEADLINE = `${START_DEADLINE_MS / 1_000} s`;

/** Short enough not to be felt, long enough to cost nothing. */
const POLL_MS = 25;

/** Pause before another try when the program ended well without serving: the daemon before it is still draining. */
const DRAIN_PAUSE_MS = 250;

/**
 * Returns as soon as a daemon listens on `socketPath`: one that is there, one that another caller is starting, or a new one.
 * @throws ClientError ERR_DAEMON_NOT_RUNNING with the end of the daemon's log, after 15 s at the latest
 * @throws the reason of `signal` when it aborts
 */
export async function startDaemon(options: StartOptions): Promise<void> {
  await mkdir(dirname(options.socketPath), { recursive: true, mode: 0o700 });
  await startUntilListening(options);
}

/** True when somebody accepts connections on `socketPath`. */
export async function isListening(socketPath: string): Promise<boolean> {
  const socket = createConnection(socketPath);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function startUntilListening(options: StartOptions): Promise<void> {
  const { socketPath, env, clock, signal } = options;
  const marker = `${socketPath}.starting`;
  const beganAtMs = clock.now();
  const deadlineAtMs = beganAtMs + START_DEADLINE_MS;
  while (clock.now() < deadlineAtMs) {
    signal?.throwIfAborted();
    if (await isListening(socketPath)) return;
    if (await isComing(socketPath, env, clock.now() - beganAtMs)) {
      await sleep(clock, POLL_MS, signal);
    } else if (await claimStartMarker(marker, clock)) {
      try {
        await launch(options, deadlineAtMs);
      } finally {
        await releaseStartMarker(marker);
      }
    } else {
      await sleep(clock, POLL_MS, signal);
    }
  }
  throw new ClientError(
    "ERR_DAEMON_NOT_RUNNING",
    `No daemon came up on ${socketPath} within ${START_DEADLINE}. Look at ${logPath(options.env)}.`,
  );
}

/** Starts the program and waits until it listens; returns early when it ended well, for then another one is there. */
async function launch(options: StartOptions, deadlineAtMs: number): Promise<void> {
  const { socketPath, clock, signal } = options;
  const log = await openStartLog(options.env);
  try {
    const child = spawnDaemon(options, log);
    const end = watchEnd(child);
    while (clock.now() < deadlineAtMs) {
      if (await isListening(socketPath)) return;
      if (end.error)
        throw await startError(`${child.spawnfile} cannot be run: ${end.error.message}.`, log, end.error);
      if (child.exitCode === 0) return await sleep(clock, DRAIN_PAUSE_MS, signal);
      if (child.exitCode !== null || child.signalCode !== null) {
        throw await startError(
          `The daemon ended at once (${child.signalCode ?? `exit code ${child.exitCode}`}).`,
          log,
        );
      }
      await sleep(clock, POLL_MS, signal);
    }
    throw await startError(`The daemon was started and did not listen within ${START_DEADLINE}.`, log);
  } finally {
    await log.handle.close();
  }
}

function spawnDaemon(options: StartOptions, log: StartLog): ChildProcess {
  const { command, args } = options.program ?? findDaemonProgram();
  const child = spawn(command, [...args, "--socket", options.socketPath], {
    cwd: "/",
    detached: true,
    env: daemonEnvironment(options.env),
    stdio: ["ignore", log.handle.fd, log.handle.fd],
  });
  child.unref();
  return child;
}

/** `spawn` reports a program that is not there as an event, which kills the process when nobody listens. */
function watchEnd(child: ChildProcess): { error?: Error } {
  const end: { error?: Error } = {};
  child.once("error", (error) => {
    end.error = error;
  });
  return end;
}

async function startError(what: string, log: StartLog, cause?: Error): Promise<ClientError> {
  const tail = await logTail(log);
  const words = tail === "" ? `It wrote nothing to ${log.path}.` : `The end of ${log.path}:\n${tail}`;
  return new ClientError("ERR_DAEMON_NOT_RUNNING", `${what} ${words}`, { cause });
}
