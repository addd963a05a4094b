/** Login with a code on another device, by upstream's endpoints (codex-cli 0.169), which resemble RFC 8628. */
import type { Clock, SessionStatus } from "@codex-authd/shared";
import type { CodexConfig } from "../codex/codex-config.js";
import type { Http } from "../net/http.js";
import type { NetworkSettings } from "../net/network-settings.js";
import {
  awaitDeviceAuthorization,
  beginDeviceAuthorization,
  type DeviceAuthorization,
} from "../oauth/device-authorization.js";
import type { OAuthClient } from "../oauth/oauth-client.js";
import { requestTokensByCode } from "../oauth/token-request.js";
import { toAuthError } from "./exchange.js";
import type { LoginFlow } from "./login-attempt.js";
import { grantFrom } from "./login-grant.js";
import { assertWorkspaceAllowed } from "./login-policy.js";
import type { Session } from "./session.js";

export interface DeviceLogin {
  readonly session: Session;
  readonly policy: CodexConfig;
  /** Through `network`, which the session is bound to once the login is stored. */
  readonly http: Http;
  readonly network: NetworkSettings;
  readonly clock: Clock;
  readonly client: OAuthClient;
}

/**
 * Asks the issuer for a code to show.
 * @throws AuthError ERR_LOGIN_DENIED when the issuer does not offer device codes; ERR_ISSUER_UNAVAILABLE,
 *   ERR_ISSUER_RESPONSE
 */
export async function beginDeviceLogin(login: DeviceLogin): Promise<LoginFlow> {
  const { http, client, clock } = login;
  const authorization = await beginDeviceAuthorization(http, client).catch(rethrow);
  const { verificationUri, userCode, expiresInSeconds } = authorization;
  return {
    prompt: { flow: "device", verificationUri, userCode },
    expiresAtMs: clock.now() + expiresInSeconds * 1000,
    run: (signal) => finish(login, authorization, signal).catch(rethrow),
  };
}

async function finish(
  { session, policy, http, network, clock, client }: DeviceLogin,
  authorization: DeviceAuthorization,
  signal: AbortSignal,
): Promise<SessionStatus> {
  const approved = await awaitDeviceAuthorization(http, client, authorization, { clock, signal });
  const tokens = await requestTokensByCode(http, client, { ...approved, signal });
  signal.throwIfAborted();
  const grant = grantFrom(tokens, client, clock.now());
  assertWorkspaceAllowed(policy, grant);
  return session.acceptLogin(grant, "device", network);
}

function rethrow(error: unknown): never {
  throw toAuthError(error, "ERR_LOGIN_DENIED");
}
