/** Login by authorization code and PKCE over a loopback redirect (RFC 8252). `code_verifier` and `state` never leave. */
import { AuthError, type Clock, type SessionStatus } from "@codex-authd/shared";
import type { CodexConfig } from "../codex/codex-config.js";
import type { Http } from "../net/http.js";
import type { NetworkSettings } from "../net/network-settings.js";
import { authorizationUrl } from "../oauth/authorization-request.js";
import {
  type AuthorizationResponse,
  isSameState,
  parseAuthorizationResponse,
} from "../oauth/authorization-response.js";
import type { LoopbackRedirects, PendingRedirect, RedirectResponse } from "../oauth/loopback-redirect.js";
import type { OAuthClient } from "../oauth/oauth-client.js";
import { cancelledPage } from "../oauth/pages/cancelled.js";
import { failurePage } from "../oauth/pages/failure.js";
import { successPage } from "../oauth/pages/success.js";
import { createPkce, createState } from "../oauth/pkce.js";
import { requestTokensByCode } from "../oauth/token-request.js";
import { toAuthError } from "./exchange.js";
import { type LoginFlow, loginCancelled } from "./login-attempt.js";
import { grantFrom } from "./login-grant.js";
import { assertWorkspaceAllowed } from "./login-policy.js";
import type { Session } from "./session.js";

/** Upstream's app-server gives up a browser login after 10 minutes. */
const BROWSER_LOGIN_LIFETIME_MS = 600_000;

export interface BrowserLogin {
  readonly session: Session;
  readonly policy: CodexConfig;
  /** Through `network`, which the session is bound to once the login is stored. */
  readonly http: Http;
  readonly network: NetworkSettings;
  readonly clock: Clock;
  readonly client: OAuthClient;
  readonly redirects: LoopbackRedirects;
  readonly ports: readonly number[];
  /** See `ExpectOptions`. */
  readonly takesOver: boolean;
  readonly redirectHost: "localhost" | "127.0.0.1";
}

/**
 * Listens for the redirect and makes the URL to open.
 * @throws AuthError ERR_CALLBACK_PORT_IN_USE
 */
export async function beginBrowserLogin(login: BrowserLogin): Promise<LoginFlow> {
  const { clock, client, redirects, ports, takesOver, redirectHost, policy } = login;
  const { codeVerifier, codeChallenge } = createPkce();
  const state = createState();
  const pending = await redirects.expect(state, { ports, takesOver, redirectHost });
  const { redirectUri } = pending;
  let paste = (_: AuthorizationResponse): void => {};
  const pasted = new Promise<AuthorizationResponse>((resolve) => {
    paste = resolve;
  });
  return {
    prompt: {
      flow: "browser",
      authorizationUrl: authorizationUrl(client, {
        redirectUri,
        codeChallenge,
        state,
        ...workspaces(policy),
      }),
      redirectUri,
    },
    expiresAtMs: clock.now() + BROWSER_LOGIN_LIFETIME_MS,
    complete: (url) => paste(pastedResponse(url, state)),
    run: async (signal) => {
      try {
        const response = await firstOf([pending.response, pasted], signal);
        return await finish(login, { pending, response, codeVerifier, signal });
      } finally {
        pending.close();
      }
    },
  };
}

function workspaces({ workspaceIds }: CodexConfig): { allowedWorkspaceIds?: readonly string[] } {
  return workspaceIds.value ? { allowedWorkspaceIds: workspaceIds.value } : {};
}

interface Finish {
  readonly pending: PendingRedirect;
  readonly response: RedirectResponse;
  readonly codeVerifier: Parameters<typeof requestTokensByCode>[2]["codeVerifier"];
  readonly signal: AbortSignal;
}

/** Shows the person at the browser how it ended, in every case. */
async function finish(
  login: BrowserLogin,
  { pending, response, codeVerifier, signal }: Finish,
): Promise<SessionStatus> {
  const { session, policy, http, network, client, clock } = login;
  try {
    const { code } = approved(response);
    const { redirectUri } = pending;
    const tokens = await requestTokensByCode(http, client, { code, redirectUri, codeVerifier, signal });
    signal.throwIfAborted();
    const grant = grantFrom(tokens, client, clock.now());
    assertWorkspaceAllowed(policy, grant);
    const status = await session.acceptLogin(grant, "browser", network);
    pending.answer(successPage(status));
    return status;
  } catch (error) {
    const failure = toAuthError(error, "ERR_LOGIN_DENIED");
    pending.answer(failure.code === "ERR_LOGIN_CANCELLED" ? cancelledPage() : failurePage(pageOf(failure)));
    throw failure;
  }
}

/**
 * @throws AuthError with what came instead of a code
 */
function approved(response: RedirectResponse): AuthorizationResponse & { kind: "code" } {
  switch (response.kind) {
    case "code":
      return response;
    case "cancelled":
      throw loginCancelled("by another program that starts a login on the same port");
    case "error":
      throw new AuthError("ERR_LOGIN_DENIED", denialOf(response), { oauthError: response.error });
    case "malformed":
      throw new AuthError(
        "ERR_LOGIN_DENIED",
        `The redirect cannot be used: ${response.reason}. Run \`codex-auth login\` again.`,
      );
  }
}

function denialOf({ error, description }: AuthorizationResponse & { kind: "error" }): string {
  if (error === "access_denied" && description?.includes("missing_codex_entitlement")) {
    return "Codex is not enabled for your workspace. Ask your workspace administrator for access to Codex.";
  }
  const words = (description || error).replace(/\.$/, "");
  return `Sign-in failed: ${words}. Run \`codex-auth login\` to try again.`;
}

/** A URL that is not of this login ends nothing: whoever pasted it may paste the right one. */
function pastedResponse(url: URL, state: string): AuthorizationResponse {
  const response = parseAuthorizationResponse(url);
  if (response.kind !== "malformed" && isSameState(response.state, state)) return response;
  const why = response.kind === "malformed" ? response.reason : "it belongs to another login";
  throw new AuthError(
    "ERR_LOGIN_NOT_FOUND",
    `That URL cannot be used: ${why}. Paste the whole address that the browser ended on; the login is still waiting.`,
  );
}

function pageOf(failure: AuthError): Parameters<typeof failurePage>[0] {
  return {
    title: "Sign-in could not be completed",
    message: failure.message,
    code: failure.oauthError ?? failure.code,
  };
}

/** The first response, or the reason of the abort. */
function firstOf<T>(responses: readonly Promise<T>[], signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([...responses, aborted]);
}
