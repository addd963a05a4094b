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
  /** Shows the URL or the code to the person, before a browser opens. Called again when a code replaces a URL (WSL). */
  readonly onAuthorization?: ((pending: PendingLogin) => void | Promise<void>) | undefined;
  /** Opens the authorization URL of a browser login; `false` leaves that to `onAuthorization`. Default: `openInBrowser`. */
  readonly openBrowser?: ((url: string) => Promise<BrowserOutcome>) | false | undefined;
  /** Told when no browser could be opened. The login goes on: the person may open the URL elsewhere. */
  readonly onBrowserFailure?: ((reason: string) => void) | undefined;
  /** Told when no redirect arrived and no code could be had instead. The login goes on: the URL stays valid. */
  readonly onFallbackFailure?: ((reason: string) => void) | undefined;
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

type Login = LoginOptions & LoginPlace;

/**
 * How long a redirect may take where it may never arrive (WSL), before a code takes its place: long enough for a password
 * and a second factor.
 */
export const FALLBACK_AFTER_MS = 180_000;

/**
 * See `AuthClient.login`. A login that fails here, also by `signal`, is cancelled at the daemon.
 * @throws AuthError ERR_LOGIN_NOT_INTERACTIVE when a person is needed and `interactive` is false
 */
export async function login(client: LoginCalls, options: Login): Promise<SessionStatus> {
  if (!options.force) {
    const status = await client.getStatus(selectorOf(options));
    if (status.state === "active") return status;
  }
  if (options.interactive === false) throw notInteractive();
  const deadlineAtMs = options.clock.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  let pending = await begin(client, options, options.flow);
  try {
    await present(pending, options);
    if (pending.fallback && (await isStillPending(client, pending, { ...options, deadlineAtMs }))) {
      const instead = await beginInstead(client, options);
      if (instead) {
        pending = instead;
        await present(pending, options);
      }
    }
    return await wait(client, pending, { ...options, deadlineAtMs });
  } catch (error) {
    await client.cancelLogin(pending.loginId).catch(() => undefined);
    throw error;
  }
}

function selectorOf({ codexHome, childEnvironment, storage, sessionName, signal }: Login) {
  return { codexHome, childEnvironment, storage, sessionName, signal };
}

function begin(client: LoginCalls, options: Login, flow: BeginLoginOptions["flow"]): Promise<PendingLogin> {
  return client.beginLogin({ ...selectorOf(options), flow, callbackPort: options.callbackPort });
}

async function present(pending: PendingLogin, options: Login): Promise<void> {
  await options.onAuthorization?.(pending);
  if (pending.flow !== "browser" || options.openBrowser === false) return;
  const open = options.openBrowser ?? ((url) => openInBrowser(url, options));
  const outcome = await open(pending.authorizationUrl);
  if (!outcome.opened) options.onBrowserFailure?.(outcome.reason);
}

interface Wait extends LoginPlace {
  readonly deadlineAtMs: number;
  readonly signal?: AbortSignal | undefined;
}

function wait(
  client: LoginCalls,
  { loginId }: PendingLogin,
  { clock, deadlineAtMs, signal }: Wait,
): Promise<SessionStatus> {
  const timeoutMs = Math.max(deadlineAtMs - clock.now(), 0);
  return client.awaitLogin({ loginId, timeoutMs, signal });
}

/** True when the redirect did not arrive in its time. */
async function isStillPending(client: LoginCalls, pending: PendingLogin, options: Wait): Promise<boolean> {
  const patience = new AbortController();
  const stopTimer = options.clock.setTimer(FALLBACK_AFTER_MS, () => patience.abort());
  const signals = options.signal ? [options.signal, patience.signal] : [patience.signal];
  try {
    await wait(client, pending, { ...options, signal: AbortSignal.any(signals) });
    return false;
  } catch (error) {
    if (!patience.signal.aborted) throw error;
    options.signal?.throwIfAborted();
    return true;
  } finally {
    stopTimer();
  }
}

/** A login with a code, which ends the older one; that goes on when the issuer has no code to give. */
async function beginInstead(client: LoginCalls, options: Login): Promise<PendingLogin | undefined> {
  try {
    return await begin(client, options, "device");
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    options.onFallbackFailure?.(error.message);
    return undefined;
  }
}

function notInteractive(): AuthError {
  return new AuthError(
    "ERR_LOGIN_NOT_INTERACTIVE",
    "There is no usable login, and a new one needs a person. Run `codex-auth login` in a terminal.",
  );
}
