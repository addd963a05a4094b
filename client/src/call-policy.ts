import type { MethodName } from "@codex-authd/shared";

/** How a method is called: what its caller may assume when the connection, the time or the daemon runs out. */
export interface CallPolicy {
  /** Milliseconds until ERR_DAEMON_TIMEOUT. */
  readonly deadlineMs: number;
  /**
   * True when asking twice does no more than asking once, so that a dropped connection is dialled again. The others get
   * a connection of their own, where the race of a kept-alive one cannot happen.
   */
  readonly isRepeatable: boolean;
  /** True when the call makes sense to a daemon that has just been started. */
  readonly startsDaemon: boolean;
  /** True when the call waits for a daemon that is on its way. What asks about the daemon itself does not. */
  readonly outlastsRestart: boolean;
}

/** The daemon answers from memory, or gives a waiter 8 s; twice that leaves room for a busy machine. */
export const DEFAULT_DEADLINE_MS = 16_000;

/** These calls wait for one exchange with the issuer, which the daemon cuts off after 45 s. */
const EXCHANGE_DEADLINE_MS = 60_000;

const READ: CallPolicy = {
  deadlineMs: DEFAULT_DEADLINE_MS,
  isRepeatable: true,
  startsDaemon: true,
  outlastsRestart: true,
};
const EXCHANGE: CallPolicy = { ...READ, deadlineMs: EXCHANGE_DEADLINE_MS, isRepeatable: false };
const OF_DAEMON: CallPolicy = { ...READ, startsDaemon: false, outlastsRestart: false };

/** One row per method of the contract, sorted. */
export const CALL_POLICIES: Readonly<Record<MethodName, CallPolicy>> = {
  "daemon/shutdown": { ...OF_DAEMON, isRepeatable: false },
  "daemon/status": OF_DAEMON,
  "login/await": { ...READ, startsDaemon: false },
  "login/begin": EXCHANGE,
  "login/cancel": { ...READ, startsDaemon: false },
  "login/complete": { ...EXCHANGE, startsDaemon: false },
  "login/explain": { ...READ, startsDaemon: false },
  "session/explain": READ,
  "session/list": READ,
  "session/logout": EXCHANGE,
  "session/refresh": EXCHANGE,
  "session/status": READ,
  "token/get": READ,
};
