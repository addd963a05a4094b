/** What a host may say about an app-server and its login. */
import type { Clock, Environment } from "@codex-authd/shared";
import type { AuthClient } from "../auth-client.js";
import type { SessionSelector } from "../call-options.js";
import type { LoginOptions } from "../login.js";
import { observeChildEnvironment } from "../observed-environment.js";
import type { ClientInfo } from "./messages.js";

/** How the app-server gets its login. */
export interface OAuthOptions
  extends Pick<
    LoginOptions,
    "flow" | "interactive" | "onAuthorization" | "openBrowser" | "onBrowserFailure"
  > {
  /**
   * `auto`: with `storage: "memory"` the app-server gets external tokens, otherwise it reads the login in its own Codex
   * home. `external`: external tokens in any case, also from a login that is kept in a file. Default `auto`.
   */
  readonly mode?: "auto" | "external" | undefined;
  /** Where the login is kept. Default `auto`: as the child's Codex configuration says. */
  readonly storage?: SessionSelector["storage"];
  /** Tells memory logins apart. Default `default`. */
  readonly sessionName?: string | undefined;
  /** Codex home of the login, absolute, where it is another one than the child's. Only with external tokens. */
  readonly codexHome?: string | undefined;
  /** False: the host answers `account/chatgptAuthTokens/refresh` with `handle`, and nothing is pushed. Default true. */
  readonly autoRefresh?: boolean | undefined;
}

/** What holds for every app-server, a child or a remote one. */
export interface HostOptions {
  readonly clientInfo: ClientInfo;
  /** Ask for the experimental methods, without which there are no external tokens. Default false. */
  readonly experimentalApi?: boolean | undefined;
  readonly oauth?: OAuthOptions | undefined;
  /** Folder of the child environment, absolute. Default: that of this process. */
  readonly cwd?: string | undefined;
  /** Variables of the child environment: they decide the Codex home, the CA and the proxy. Default `process.env`. */
  readonly processEnv?: Environment | undefined;
  /** Default: a client of its own, which is closed with the app-server. */
  readonly auth?: AuthClient | undefined;
  /** Ends the wait for a login or for `initialize`. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

export interface ConnectOptions extends HostOptions {
  /** The program. Default `codex`. */
  readonly command?: string | undefined;
  /** Its arguments. Default `["app-server"]`. */
  readonly args?: readonly string[] | undefined;
}

/** True when the app-server is given external tokens. */
export function isExternal({ mode = "auto", storage }: OAuthOptions): boolean {
  return mode === "external" || storage === "memory";
}

/** @throws TypeError for options that contradict each other */
export function assertConsistent({ oauth = {}, experimentalApi = false }: HostOptions): void {
  if (isExternal(oauth) && !experimentalApi) {
    throw new TypeError(
      'External tokens (`storage: "memory"` or `mode: "external"`) need `experimentalApi: true`: Codex takes them only ' +
        "from a host that asks for its experimental methods.",
    );
  }
  if (!isExternal(oauth) && oauth.codexHome !== undefined) {
    throw new TypeError(
      "`oauth.codexHome` is for external tokens: an app-server reads the login in its own Codex home, which `processEnv` names.",
    );
  }
}

/** Whose login it is. */
export function selectorOf({
  oauth = {},
  processEnv = process.env,
  cwd = process.cwd(),
}: HostOptions): SessionSelector {
  const { storage, sessionName, codexHome } = oauth;
  return { storage, sessionName, codexHome, childEnvironment: observeChildEnvironment(processEnv, cwd) };
}
