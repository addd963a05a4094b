/** External tokens on a connection of ours: handed over, and kept fresh by the bridge, or by the host. */
import { type Clock, withDeadline } from "@codex-authd/shared";
import type { AuthClient } from "../auth-client.js";
import type { SessionSelector } from "../call-options.js";
import { AuthBridge } from "./auth-bridge.js";
import { ANSWER_DEADLINE_MS, hostIsLate, loginRefused } from "./auth-failure.js";
import type { Connection, RequestHandler } from "./connection.js";
import {
  type ExternalTokens,
  LOGIN_COMPLETED,
  LOGIN_START,
  type LoginCompleted,
  REFRESH_TOKENS,
  type RefreshTokensParams,
} from "./messages.js";

export interface ExternalLoginOptions {
  readonly auth: AuthClient;
  /** Whose login it is. */
  readonly selector: SessionSelector;
  /** False: the host answers requests for fresh tokens, and nothing is pushed. */
  readonly autoRefresh: boolean;
  readonly clock: Clock;
}

/**
 * Hands the first tokens over and keeps them fresh; whatever goes wrong later is an `authFailure` of the connection.
 * @throws AuthError, ClientError as `AuthClient.getAccessToken`; AppServerError when the app-server refuses them
 */
export async function beginExternalLogin(
  connection: Connection,
  { auth, selector, autoRefresh, clock }: ExternalLoginOptions,
): Promise<AuthBridge> {
  const bridge = new AuthBridge({
    auth,
    selector,
    clock,
    hand: (tokens) => handTokens(connection, tokens),
    onFailure: (failure) => connection.emit("authFailure", failure),
  });
  connection.on("notification", ({ method, params }) => {
    if (method === LOGIN_COMPLETED) reportRefusal(connection, params as LoginCompleted);
  });
  if (autoRefresh)
    connection.handle(REFRESH_TOKENS, (params) => bridge.answer(params as RefreshTokensParams));
  await bridge.start({ pushes: autoRefresh });
  return bridge;
}

/** `handler`, whose answer to a request for fresh tokens is an error when it takes longer than Codex waits. */
export function inTime(handler: RequestHandler, clock: Clock): RequestHandler {
  return (params) => {
    const answer = Promise.resolve().then(() => handler(params));
    return withDeadline(clock, answer, { afterMs: ANSWER_DEADLINE_MS, error: hostIsLate });
  };
}

async function handTokens(connection: Connection, tokens: ExternalTokens): Promise<void> {
  await connection.request(LOGIN_START, { type: "chatgptAuthTokens", ...tokens });
}

/** The response comes before Codex has looked up the workspace, which can fail (codex-cli 0.169). */
function reportRefusal(connection: Connection, { loginId, success, error }: LoginCompleted): void {
  if (loginId === null && !success)
    connection.emit("authFailure", loginRefused(error ?? "no reason was given"));
}
