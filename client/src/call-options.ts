/** What callers of `AuthClient` give and get. */
import type { ChildEnvironment, ChildKind, Clock, Environment, MethodResult } from "@codex-authd/shared";

export type DaemonStatus = MethodResult<"daemon/status">;
export type PendingLogin = MethodResult<"login/begin">;
export type LoginPlan = MethodResult<"login/explain">;
export type CredentialExplanation = MethodResult<"session/explain">;
export type LogoutResult = MethodResult<"session/logout">;

export interface AuthClientOptions {
  /** Absolute path of the daemon's socket. Default: the candidates of `CODEX_AUTHD_SOCKET` and the platform. */
  readonly socketPath?: string | undefined;
  /** The child environment's variables, and where the daemon is looked for. Default: `process.env`. */
  readonly env?: Environment | undefined;
  /** The child environment's folder, absolute. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  /** What the daemon's audit trail calls this program: 1 to 64 printable ASCII characters. Default `@codex-authd/client`. */
  readonly clientName?: string | undefined;
  /** Start a daemon when none is there. Default true. */
  readonly autostart?: boolean | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** Names the session; without either, the client's own child environment does. */
export interface SessionSelector {
  /** Absolute path of a Codex home. */
  readonly codexHome?: string | undefined;
  /** The environment of the process that will use the login. */
  readonly childEnvironment?: ChildEnvironment | undefined;
  /** Default `auto`: as the Codex home's own configuration says. `memory`: in the daemon's memory, with nothing on disk. */
  readonly storage?: "auto" | "file" | "memory" | undefined;
  /** Tells memory sessions apart. Default `default`. */
  readonly sessionName?: string | undefined;
}

export interface CallOptions {
  /** Ends the wait, not what the daemon does: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface BeginLoginOptions extends SessionSelector, CallOptions {
  /** Default `auto`: the daemon chooses by the child environment. */
  readonly flow?: "auto" | "browser" | "device" | undefined;
  /** Port of the loopback redirect; 0 lets the system choose. Default: the daemon's configuration. */
  readonly callbackPort?: number | undefined;
}

export interface ExplainLoginOptions extends BeginLoginOptions {
  /** False: nobody is there to log in. Default true. */
  readonly interactive?: boolean | undefined;
}

export interface ExplainCredentialOptions extends SessionSelector, CallOptions {
  /** Which kind of Codex process it is about. Default `exec`. */
  readonly for?: ChildKind | undefined;
}

export interface EventsOptions extends CallOptions {
  /** Told when the daemon goes away, and at each try to reach it again that fails. */
  readonly onLost?: (() => void) | undefined;
}

export interface AwaitLoginOptions extends CallOptions {
  readonly loginId: string;
  /** Milliseconds to wait. Default: until the login itself ends. */
  readonly timeoutMs?: number | undefined;
}

export interface AccessTokenOptions extends SessionSelector, CallOptions {
  /** Milliseconds that the token should still be valid for. Default 0. */
  readonly minValidityMs?: number | undefined;
  /** `fingerprint` of an access token that was refused (a 401): another one is answered, or fetched. */
  readonly rejectedToken?: string | undefined;
  /** The account that the caller works for. */
  readonly accountId?: string | undefined;
}
