/** From a channel to an app-server that a host can use: its login ensured, `initialize`, its tokens. */
import { type SessionStatus, systemClock } from "@codex-authd/shared";
import { type AuthClient, createAuthClient } from "../auth-client.js";
import { ClientError } from "../client-error.js";
import { AppServer } from "./app-server.js";
import type { AuthBridge } from "./auth-bridge.js";
import type { Channel } from "./channel.js";
import { assertConsistent, type HostOptions, isExternal, selectorOf } from "./connect-options.js";
import { Connection } from "./connection.js";
import { beginExternalLogin } from "./external-login.js";
import type { InitializeResult } from "./messages.js";

/** A start takes under a second; more than this is a program that is no app-server. */
const INITIALIZE_DEADLINE_MS = 30_000;

/**
 * Ensures the login, opens the channel under it, and attaches to what is at its other end. Whatever was opened is closed
 * again when a later step fails.
 * @throws TypeError, AuthError, ClientError, AppServerError as `connectAppServer` says
 */
export async function attachUnderLogin(
  options: HostOptions,
  openChannel: (session: SessionStatus) => Promise<Channel>,
): Promise<AppServer> {
  assertConsistent(options);
  const { auth = createAuthClient({ env: options.processEnv, cwd: options.cwd }) } = options;
  const closeAuth = async (): Promise<void> => (auth === options.auth ? undefined : auth.close());
  try {
    const session = await ensureLogin(auth, options);
    return await attach(await openChannel(session), { ...options, auth, session, closeAuth });
  } catch (error) {
    await closeAuth();
    throw error;
  }
}

/** The login that is there, or one that is made now. */
export function ensureLogin(auth: AuthClient, options: HostOptions): Promise<SessionStatus> {
  const { flow, interactive, onAuthorization, openBrowser, onBrowserFailure } = options.oauth ?? {};
  const { signal } = options;
  const presentation = { flow, interactive, onAuthorization, openBrowser, onBrowserFailure };
  return auth.login({ ...selectorOf(options), ...presentation, signal });
}

interface Attachment extends HostOptions {
  readonly auth: AuthClient;
  readonly session: SessionStatus;
  readonly closeAuth: () => Promise<void>;
}

async function attach(channel: Channel, attachment: Attachment): Promise<AppServer> {
  const { oauth = {}, auth, session, closeAuth, clock = systemClock } = attachment;
  const connection = new Connection(channel);
  let bridge: AuthBridge | undefined;
  const close = async (): Promise<void> => {
    bridge?.close();
    await connection.close();
    await closeAuth();
  };
  try {
    const initialized = await initialize(connection, attachment);
    if (isExternal(oauth)) {
      const { autoRefresh = true } = oauth;
      bridge = await beginExternalLogin(connection, {
        auth,
        selector: selectorOf(attachment),
        autoRefresh,
        clock,
      });
    }
    return new AppServer({ connection, initialized, session, isExternal: isExternal(oauth), close, clock });
  } catch (error) {
    await close();
    throw error;
  }
}

async function initialize(connection: Connection, attachment: Attachment): Promise<InitializeResult> {
  const { clientInfo, experimentalApi = false, clock = systemClock, signal } = attachment;
  const late = new AbortController();
  const cancel = clock.setTimer(INITIALIZE_DEADLINE_MS, () => late.abort(noAnswer()));
  const capabilities = { experimentalApi, requestAttestation: false };
  try {
    const both = signal ? AbortSignal.any([late.signal, signal]) : late.signal;
    const result = await connection.request("initialize", { clientInfo, capabilities }, { signal: both });
    await connection.notify("initialized");
    return result;
  } finally {
    cancel();
  }
}

function noAnswer(): ClientError {
  return new ClientError(
    "ERR_APP_SERVER_NOT_STARTED",
    `The app-server did not answer \`initialize\` within ${INITIALIZE_DEADLINE_MS / 1000} s and was ended. Look at what ` +
      "`command` and `args`, or the address, name.",
  );
}
