/** An older login that still listens on a callback port: of a Codex CLI, which is asked to end, or of another daemon of ours. */
import { connect } from "node:net";
import { type Clock, sleep } from "@codex-authd/shared";

/** `Server` of all our answers on a loopback redirect: by it one codex-authd knows another. */
export const LOOPBACK_SERVER = "codex-authd";

/** How codex-cli 0.169 insists: it asks once, and tries again until two seconds are over. */
const ATTEMPTS = 10;
const RETRY_AFTER_MS = 200;

/** codex-cli gives the other end two seconds for its answer to `/cancel`. */
const CANCEL_DEADLINE_MS = 2_000;

/** One of ours answers at once. */
const PROBE_DEADLINE_MS = 1_000;

/** Enough for the head of an answer. */
const HEAD_MAX_LENGTH = 4_096;

export interface TakeOverOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Runs `listen`; while it fails because `port` is in use, asks an older login there to end, as codex-cli 0.169 does, and
 * tries again. A login of another codex-authd is left alone.
 * @throws what `listen` throws at last; the signal's reason
 */
export async function takeOver<T>(
  port: number,
  listen: () => Promise<T>,
  { clock, signal }: TakeOverOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listen();
    } catch (error) {
      if (!isInUse(error) || attempt === ATTEMPTS) throw error;
      if (attempt === 1) {
        if (await isCodexAuthd(port, clock)) throw error;
        await ask(port, "/cancel", { clock, deadlineMs: CANCEL_DEADLINE_MS });
      }
    }
    await sleep(clock, RETRY_AFTER_MS, signal);
  }
}

/** True when the listener on 127.0.0.1:`port` says that it is one of ours, whoever's it is. */
export async function isCodexAuthd(port: number, clock: Clock): Promise<boolean> {
  const answer = await ask(port, "/", { clock, deadlineMs: PROBE_DEADLINE_MS });
  return new RegExp(`^server: ${LOOPBACK_SERVER}\\r?$`, "im").test(answer);
}

export function isInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

/** One GET, to the letter as codex-cli 0.169 sends it. Answers what came back in time, or nothing. */
function ask(
  port: number,
  path: "/" | "/cancel",
  { clock, deadlineMs }: { clock: Clock; deadlineMs: number },
): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1");
    const stopTimer = clock.setTimer(deadlineMs, () => socket.destroy());
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
      if (answer.includes("\r\n\r\n") || answer.length > HEAD_MAX_LENGTH) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      stopTimer();
      resolve(answer);
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
  });
}
