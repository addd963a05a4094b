/** A login in one call: an existing session, or begin, show, open the browser, wait. */
import { AuthError, type Clock, type Environment, type SessionStatus } from "@codex-authd/shared";

import { type BrowserOutcome, openInBrowser } from "./browser.js";
import type {
  AwaitLoginOptions,
  BeginLoginOptions,
  CallOptions,
  PendingLogin,
  SessionSelector,
} from "./call-options.js";

export interface LoginOptions extends BeginLoginOptions {
  /** False: nobody is there, so a login that would need a person fails instead. Default true. */
  readonly interactive?: boolean | undefined;
  /** Begin a login even when there is a usable session. Default false. */
  readonly force?: boolean | undefined;
  /** Shows the URL or the code to the person, before a browser opens. */
  readonly onAuthorization?: ((pending: PendingLogin) => void | Promise<void>) | undefined;
  /** Opens the authorization URL of a browser login; `false` leaves that to `onAuthorization`. Default: `openInBrowser`. */
  readonly openBrowser?: ((url: string) => Promise<BrowserOutcome>) | false | undefined;
  /** Told when no browser could be opened. The login goes on: the person may open the URL elsewhere. */
  readonly onBrowserFailure?: ((reason: string) => void) | undefined;
  /** Milliseconds to wait for the person. Default: until the login itself expires. */
  readonly timeoutMs?: number | undefined;
}

/** The calls that a login is made of, as `AuthClient` has them. */
interface LoginCalls {
  getStatus(options: SessionSelector & CallOptions): Promise<SessionStatus>;
  beginLogin(options: BeginLoginOptions): Promise<PendingLogin>;
  awaitLogin(options: AwaitLoginOptions): Promise<SessionStatus>;
  cancelLogin(loginId: string): Promise<boolean>;
}

interface LoginPlace {
  readonly env: Environment;
  readonly clock: Clock;
}

/**
 * See `AuthClient.login`. A login that fails here, also by `signal`, is cancelled at the daemon.
 * @throws AuthError ERR_LOGIN_NOT_INTERACTIVE when a person is needed and `interactive` is false
 */
export async function login(client: LoginCalls, options: LoginOptions & LoginPlace): Promise<SessionStatus> {
  const { codexHome, childEnvironment, storage, sessionName, flow, callbackPort, signal } = options;
  const place = { codexHome, childEnvironment, storage, sessionName };
  if (!options.force) {
    const status = await client.getStatus({ ...place, signal });
    if (status.state === "active") return status;
  }
  if (options.interactive === false) throw notInteractive();
  const pending = await client.beginLogin({ ...place, flow, callbackPort, signal });
  try {
    await present(pending, options);
    return await client.awaitLogin({ loginId: pending.loginId, timeoutMs: options.timeoutMs, signal });
  } catch (error) {
    await client.cancelLogin(pending.loginId).catch(() => undefined);
    throw error;
  }
}

async function present(pending: PendingLogin, options: LoginOptions & LoginPlace): Promise<void> {
  await options.onAuthorization?.(pending);
  if (pending.flow !== "browser" || options.openBrowser === false) return;
  const open = options.openBrowser ?? ((url) => openInBrowser(url, options));
  const outcome = await open(pending.authorizationUrl);
  if (!outcome.opened) options.onBrowserFailure?.(outcome.reason);
}

function notInteractive(): AuthError {
  return new AuthError(
    "ERR_LOGIN_NOT_INTERACTIVE",
    "There is no usable login, and a new one needs a person. Run `codex-auth login` in a terminal.",
  );
}
