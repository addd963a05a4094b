/** Starts the daemon on demand: once, whatever the race, and in a state that outlives the caller. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { type Clock, type Environment, logPath, sleep } from "@codex-authd/shared";
import { ClientError } from "./client-error.js";
import { type DaemonProgram, daemonEnvironment, findDaemonProgram } from "./daemon-program.js";
import { claimStartMarker, releaseStartMarker } from "./start-marker.js";

export interface StartOptions {
  readonly env: Environment;
  /** Where the daemon shall listen. */
  readonly socketPath: string;
  readonly clock: Clock;
  /** Default: {@link findDaemonProgram}. */
  readonly program?: DaemonProgram;
}

/** A start takes under a second; a machine that is being booted needs some more. */
const START_DEADLINE_MS = 10_000;

/** Short enough not to be felt, long enough to cost nothing. */
const POLL_MS = 25;

/** Pause before another try when the program ended well without serving: the daemon before it is still draining. */
const DRAIN_PAUSE_MS = 250;

/** The end of the log that an error quotes. */
const LOG_TAIL_BYTES = 2_000;
const LOG_TAIL_LINES = 6;

interface StartLog {
  readonly path: string;
  readonly handle: FileHandle;
  /** Where this start's lines begin. */
  readonly offset: number;
}

/**
 * Returns as soon as a daemon listens on `socketPath`: one that is there, one that another caller is starting, or a new one.
 * @throws ClientError ERR_DAEMON_NOT_RUNNING with the end of the daemon's log, after 10 s at the latest
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
  const { socketPath, clock } = options;
  const marker = `${socketPath}.starting`;
  const deadlineAtMs = clock.now() + START_DEADLINE_MS;
  while (clock.now() < deadlineAtMs) {
    if (await isListening(socketPath)) return;
    if (await claimStartMarker(marker, clock)) {
      try {
        await launch(options, deadlineAtMs);
      } finally {
        await releaseStartMarker(marker);
      }
    } else {
      await sleep(clock, POLL_MS);
    }
  }
  throw new ClientError(
    "ERR_DAEMON_NOT_RUNNING",
    `No daemon came up on ${socketPath} within 10 s. ${seeLog(options.env)}`,
  );
}

/** Starts the program and waits until it listens; returns early when it ended well, for then another one is there. */
async function launch(options: StartOptions, deadlineAtMs: number): Promise<void> {
  const { socketPath, clock } = options;
  const log = await openLog(options.env);
  try {
    const child = spawnDaemon(options, log);
    const end = watchEnd(child);
    while (clock.now() < deadlineAtMs) {
      if (await isListening(socketPath)) return;
      if (end.error)
        throw await startError(`${child.spawnfile} cannot be run: ${end.error.message}.`, log, end.error);
      if (child.exitCode === 0) return await sleep(clock, DRAIN_PAUSE_MS);
      if (child.exitCode !== null || child.signalCode !== null) {
        throw await startError(
          `The daemon ended at once (${child.signalCode ?? `exit code ${child.exitCode}`}).`,
          log,
        );
      }
      await sleep(clock, POLL_MS);
    }
    throw await startError("The daemon was started and did not listen within 10 s.", log);
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

async function openLog(env: Environment): Promise<StartLog> {
  const path = logPath(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, "a+", 0o600);
  return { path, handle, offset: (await handle.stat()).size };
}

async function startError(what: string, log: StartLog, cause?: Error): Promise<ClientError> {
  const tail = await logTail(log);
  const words = tail === "" ? `It wrote nothing to ${log.path}.` : `The end of ${log.path}:\n${tail}`;
  return new ClientError("ERR_DAEMON_NOT_RUNNING", `${what} ${words}`, { cause });
}

/** The last lines that this start wrote. The daemon's log holds no secret. */
async function logTail(log: StartLog): Promise<string> {
  const { size } = await log.handle.stat();
  const begin = Math.max(log.offset, size - LOG_TAIL_BYTES);
  const buffer = Buffer.alloc(size - begin);
  await log.handle.read(buffer, 0, buffer.length, begin);
  return buffer.toString("utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
}

function seeLog(env: Environment): string {
  return `Look at ${logPath(env)}.`;
}
