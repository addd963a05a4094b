import {
  AuthError,
  type ChildEnvironment,
  type Clock,
  chooseFlow,
  type FlowChoice,
  type MethodResult,
} from "@codex-authd/shared";
import { loadCodexConfig } from "../codex/codex-config.js";
import type { Http } from "../net/http.js";
import type { LoopbackRedirects } from "../oauth/loopback-redirect.js";
import type { OAuthClient } from "../oauth/oauth-client.js";
import { beginBrowserLogin } from "./browser-login.js";
import { beginDeviceLogin } from "./device-login.js";
import type { LoginFlow } from "./login-attempt.js";
import { assertLoginAllowed } from "./login-policy.js";
import type { Session } from "./session.js";

/** The issuer lets a Codex login come back to these two ports only (codex-cli 0.169). */
const UPSTREAM_PORT = 1455;
const UPSTREAM_FALLBACK_PORT = 1457;

export interface LoginRequest {
  /** The caller's, whose `config.toml` the login has to keep. */
  readonly codexHome: string;
  readonly storage?: "auto" | "file" | "memory" | undefined;
  readonly flow?: "auto" | "browser" | "device" | undefined;
  readonly callbackPort?: number | undefined;
  readonly childEnvironment?: ChildEnvironment | undefined;
}

export interface LoginFlows {
  readonly http: Http;
  readonly clock: Clock;
  readonly client: OAuthClient;
  readonly redirects: LoopbackRedirects;
  readonly callbackPort: number;
  readonly redirectHost: "localhost" | "127.0.0.1";
  readonly platform: NodeJS.Platform;
}

export interface ChosenLogin {
  readonly choice: FlowChoice;
  readonly flow: LoginFlow;
}

/**
 * Begins a login of the flow that was asked for, or that fits the caller's child environment.
 * @throws AuthError ERR_CONFIG_INVALID when Codex's own configuration forbids it; ERR_STORAGE_UNAVAILABLE when its result
 *   could not be stored; ERR_LOGIN_NOT_INTERACTIVE in a CI job; the errors of the flow
 */
export async function beginLoginFlow(
  flows: LoginFlows,
  session: Session,
  request: LoginRequest,
): Promise<ChosenLogin> {
  const policy = loadCodexConfig(request.codexHome);
  assertLoginAllowed(policy, request);
  await session.checkWritable();
  const choice = chooseFlow(request.childEnvironment, flows.platform, request);
  if (choice.flow === "none") throw notInteractive(choice);
  if (choice.flow === "device")
    return { choice, flow: await beginDeviceLogin({ ...flows, session, policy }) };
  const ports = portsToTry(request.callbackPort ?? flows.callbackPort);
  return { choice, flow: await beginBrowserLogin({ ...flows, session, policy, ports }) };
}

/**
 * What {@link beginLoginFlow} would begin, and where; nothing is begun.
 * @throws AuthError ERR_CONFIG_INVALID when Codex's own configuration forbids a login
 */
export function explainLogin(
  flows: LoginFlows,
  session: Session,
  request: LoginRequest & { readonly interactive?: boolean | undefined },
): MethodResult<"login/explain"> {
  assertLoginAllowed(loadCodexConfig(request.codexHome), request);
  const { changes, warnings, ...choice } = chooseFlow(request.childEnvironment, flows.platform, request);
  return {
    ...choice,
    changes: [...changes],
    warnings: [...warnings],
    ports: portsToTry(request.callbackPort ?? flows.callbackPort),
    redirectHost: flows.redirectHost,
    issuer: flows.client.issuer,
    sessionState: session.status().state,
  };
}

function notInteractive({ reason }: FlowChoice): AuthError {
  return new AuthError(
    "ERR_LOGIN_NOT_INTERACTIVE",
    `A login needs a person, and ${reason}. Log in beforehand, or insist with --browser or --device.`,
  );
}

function portsToTry(port: number): number[] {
  return port === UPSTREAM_PORT ? [UPSTREAM_PORT, UPSTREAM_FALLBACK_PORT] : [port];
}
