import {
  AuthError,
  type ChildEnvironment,
  type Clock,
  chooseFlow,
  type FlowChoice,
  type MethodResult,
} from "@codex-authd/shared";
import { type CodexConfig, loadCodexConfig } from "../codex/codex-config.js";
import type { Http, HttpClient } from "../net/http.js";
import { HttpFailure } from "../net/http-failure.js";
import { type NetworkSettings, networkOfEnvironment, underOwner } from "../net/network-settings.js";
import type { LoopbackRedirects } from "../oauth/loopback-redirect.js";
import type { OAuthClient } from "../oauth/oauth-client.js";
import { beginBrowserLogin } from "./browser-login.js";
import { beginDeviceLogin } from "./device-login.js";
import type { LoginFlow } from "./login-attempt.js";
import { assertLoginAllowed } from "./login-policy.js";
import type { Session } from "./session.js";

export interface LoginRequest {
  /** The caller's. What Codex's configuration says there and in the caller's cwd, the login has to keep. */
  readonly codexHome: string;
  readonly storage?: "auto" | "file" | "memory" | undefined;
  readonly flow?: "auto" | "browser" | "device" | undefined;
  readonly callbackPort?: number | undefined;
  readonly childEnvironment?: ChildEnvironment | undefined;
}

export interface LoginFlows {
  readonly http: HttpClient;
  /** Of config.toml; wins over the login's own. */
  readonly ownerNetwork: NetworkSettings;
  /** Child environment of the default session: what the daemon was started with. For callers that send none. */
  readonly defaultEnvironment: ChildEnvironment;
  readonly clock: Clock;
  readonly client: OAuthClient;
  readonly redirects: LoopbackRedirects;
  readonly callbackPort: number;
  /** Tried when `callbackPort` cannot be had. */
  readonly callbackFallbackPort: number | undefined;
  readonly redirectHost: "localhost" | "127.0.0.1";
  /** False: here the name `localhost` does not lead to the listener, so the redirect names its address. */
  readonly hasIPv4Localhost: (clock: Clock) => Promise<boolean>;
  readonly platform: NodeJS.Platform;
}

export interface ChosenLogin {
  readonly choice: FlowChoice;
  readonly flow: LoginFlow;
}

/**
 * Begins a login of the flow that was asked for, or that fits the caller's child environment.
 * @throws AuthError ERR_CONFIG_INVALID when Codex's own configuration forbids it, or the CA file or proxy of the child
 *   environment or of config.toml cannot be used; ERR_STORAGE_UNAVAILABLE when its result
 *   could not be stored; ERR_LOGIN_NOT_INTERACTIVE in a CI job; the errors of the flow
 */
export async function beginLoginFlow(
  flows: LoginFlows,
  session: Session,
  request: LoginRequest,
): Promise<ChosenLogin> {
  const policy = policyFor(request);
  assertLoginAllowed(policy, request);
  await session.checkWritable();
  const choice = chooseFlow(request.childEnvironment, flows.platform, request);
  if (choice.flow === "none") throw notInteractive(choice);
  const network = networkOfEnvironment(request.childEnvironment ?? flows.defaultEnvironment);
  const login = { ...flows, session, policy, network, http: httpThrough(network, flows) };
  if (choice.flow === "device") return { choice, flow: await beginDeviceLogin(login) };
  const way = await wayBack(flows, request);
  return { choice, flow: await beginBrowserLogin({ ...login, ...way }) };
}

function policyFor({ codexHome, childEnvironment }: LoginRequest): CodexConfig {
  return loadCodexConfig({ codexHome, cwd: childEnvironment?.cwd });
}

/** Looked at first: a person should not agree in the browser to what then cannot be fetched. */
function httpThrough(network: NetworkSettings, { http, client, ownerNetwork }: LoginFlows): Http {
  const settings = underOwner(ownerNetwork, network);
  try {
    http.check(client.issuer, settings);
  } catch (cause) {
    if (!(cause instanceof HttpFailure)) throw cause;
    throw new AuthError("ERR_CONFIG_INVALID", cause.message, { cause });
  }
  return http.through(settings);
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
  assertLoginAllowed(policyFor(request), request);
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
  const isNameOfListener = redirectHost !== "localhost" || (await flows.hasIPv4Localhost(flows.clock));
  return { ports, takesOver, redirectHost: isNameOfListener ? redirectHost : ("127.0.0.1" as const) };
}
