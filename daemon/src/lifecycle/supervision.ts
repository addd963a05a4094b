import { AuthError } from "@codex-authd/shared";

/** SD_LISTEN_FDS_START of sd_listen_fds(3): the first descriptor that a service manager passes. */
const FIRST_PASSED_DESCRIPTOR = 3;

/** What the service manager that started this process told it. */
export interface Supervision {
  /** Where readiness and signs of life are reported to: sd_notify(3). */
  readonly notifyAddress: string | undefined;
  /** A socket that is bound and listening already: sd_listen_fds(3). */
  readonly passedSocket: number | undefined;
  /** Milliseconds within which a sign of life is expected: sd_watchdog_enabled(3). */
  readonly watchdogMs: number | undefined;
}

/**
 * Reads what a service manager of the systemd kind says in the environment, and takes it out of there: it is for this
 * process, not for its children. What names another process is not for us, and counts as not said.
 * @throws AuthError ERR_CONFIG_INVALID when more than one socket was passed
 */
export function takeSupervision(env: NodeJS.ProcessEnv, pid: number): Supervision {
  const take = (name: string): string | undefined => {
    const value = env[name];
    delete env[name];
    return value;
  };
  const notifyAddress = take("NOTIFY_SOCKET");
  const listen = { pid: take("LISTEN_PID"), count: take("LISTEN_FDS"), names: take("LISTEN_FDNAMES") };
  const watchdog = { pid: take("WATCHDOG_PID"), us: take("WATCHDOG_USEC") };
  return {
    notifyAddress,
    passedSocket: listen.pid === String(pid) ? passedSocket(listen.count, listen.names) : undefined,
    watchdogMs:
      watchdog.pid === undefined || watchdog.pid === String(pid) ? milliseconds(watchdog.us) : undefined,
  };
}

function passedSocket(count: string | undefined, names: string | undefined): number | undefined {
  const sockets = positive(count);
  if (sockets === undefined) return undefined;
  if (sockets === 1) return FIRST_PASSED_DESCRIPTOR;
  throw new AuthError(
    "ERR_CONFIG_INVALID",
    `The service manager passed ${sockets} sockets${names ? ` (${names})` : ""}, and the daemon listens on one. ` +
      "Leave one ListenStream= in one .socket unit.",
  );
}

function milliseconds(microseconds: string | undefined): number | undefined {
  const value = positive(microseconds);
  return value === undefined ? undefined : value / 1_000;
}

function positive(digits: string | undefined): number | undefined {
  return digits !== undefined && /^[1-9]\d*$/.test(digits) ? Number(digits) : undefined;
}
