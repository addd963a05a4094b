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
  /** Tried when `callbackPort` cannot be had. */
  readonly callbackFallbackPort: number | undefined;
  readonly redirectHost: "localhost" | "127.0.0.1";
  /** False: here the name `localhost` does not lead to the listener, so the redirect names its address. */
  readonly hasIPv4Localhost: () => Promise<boolean>;
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
  const way = await wayBack(flows, request);
  return { choice, flow: await beginBrowserLogin({ ...flows, ...way, session, policy }) };
}

/**
 * What {@link beginLoginFlow} would begin, and where; nothing is begun.
 * @throws AuthError ERR_CONFIG_INVALID when Codex's own configuration forbids a login
 */
export async function explainLogin(
  flows: LoginFlows,
  session: Session,
  request: LoginRequest & { readonly interactive?: boolean | undefined },
): Promise<MethodResult<"login/explain">> {
  assertLoginAllowed(loadCodexConfig(request.codexHome), request);
  const { ports, redirectHost } = await wayBack(flows, request);
  const { changes, warnings, ...choice } = chooseFlow(request.childEnvironment, flows.platform, request);
  return {
    ...choice,
    changes: [...changes],
    warnings: [...warnings],
    ports,
    redirectHost,
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

/** Where a browser login listens. Only the ports that Codex logins use may be taken over from an older one. */
async function wayBack(flows: LoginFlows, { callbackPort = flows.callbackPort }: LoginRequest) {
  const { callbackFallbackPort, redirectHost } = flows;
  const takesOver = callbackPort === flows.callbackPort;
  const ports =
    takesOver && callbackFallbackPort !== undefined ? [callbackPort, callbackFallbackPort] : [callbackPort];
  const isNameOfListener = redirectHost !== "localhost" || (await flows.hasIPv4Localhost());
  return { ports, takesOver, redirectHost: isNameOfListener ? redirectHost : ("127.0.0.1" as const) };
}
