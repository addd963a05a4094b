/** The long poll of a pending login, repeated until it ends. */
import {
  AuthError,
  type Clock,
  type MethodParams,
  type MethodResult,
  type SessionStatus,
} from "@codex-authd/shared";
import type { AwaitLoginOptions } from "./call-options.js";

/** The longest that the daemon lets one `login/await` wait (LOGIN_AWAIT_MAX_MS of the contract, which would load zod). */
const POLL_MS = 60_000;

export interface LoginPoll {
  readonly clock: Clock;
  /** One `login/await` that may take `waitMs`. */
  readonly call: (
    params: MethodParams<"login/await">,
    waitMs: number,
  ) => Promise<MethodResult<"login/await">>;
}

/** @throws AuthError ERR_LOGIN_EXPIRED when `timeoutMs` is over before the login is */
export async function awaitLogin(options: AwaitLoginOptions, poll: LoginPoll): Promise<SessionStatus> {
  const { loginId, timeoutMs = Number.POSITIVE_INFINITY } = options;
  const deadlineAtMs = poll.clock.now() + timeoutMs;
  for (;;) {
    const waitMs = Math.min(POLL_MS, Math.max(0, deadlineAtMs - poll.clock.now()));
    const answer = await poll.call({ loginId, timeoutMs: waitMs }, waitMs);
    if (answer.state === "loggedIn") return answer.status;
    if (poll.clock.now() >= deadlineAtMs) throw expired(timeoutMs);
  }
}

function expired(timeoutMs: number): AuthError {
  return new AuthError(
    "ERR_LOGIN_EXPIRED",
    `Nobody finished the login within ${Math.round(timeoutMs / 1000)} s. It is still pending: wait for it again, or cancel it.`,
  );
}
