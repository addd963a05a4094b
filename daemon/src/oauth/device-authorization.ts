/**
 * Login with a code that the person types elsewhere: RFC 8628 in the form that codex-cli 0.169 speaks, where the issuer
 * makes the PKCE pair and hands out an authorization code at the end.
 */
import { type Clock, type EpochMs, Redacted, type Seconds, sleep } from "@codex-authd/shared";
import type { Http, HttpResponse } from "../net/http.js";
import { postToIssuer } from "./issuer-request.js";
import { readJsonObject } from "./json-object.js";
import type { OAuthClient } from "./oauth-client.js";
import { OAuthError, unusable } from "./oauth-error.js";

export interface DeviceAuthorization {
  readonly deviceAuthId: Redacted;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly intervalSeconds: Seconds;
  readonly expiresInSeconds: Seconds;
}

/** What the token endpoint wants for a device login that was approved. */
export interface DeviceGrant {
  readonly code: Redacted;
  readonly codeVerifier: Redacted;
  readonly redirectUri: string;
}

/** codex-cli 0.169 gives up after 15 minutes; the issuer names no lifetime. */
const EXPIRES_IN_SECONDS = 900;

/** RFC 8628 §3.2: the interval when the issuer names none. */
const DEFAULT_INTERVAL_SECONDS = 5;

/** Codex itself takes 0 at its word and polls in a tight loop. */
const MIN_INTERVAL_SECONDS = 1;

/** A person who approved is waiting: no interval, asked for or grown after failures, is longer than this. */
const MAX_INTERVAL_SECONDS = 60;

/** RFC 8628 §3.5: what one `slow_down` adds. */
const SLOW_DOWN_SECONDS = 5;

/** Both endpoints answer at once; a request that hangs longer is better sent anew. */
const DEVICE_DEADLINE_MS = 15_000;

/**
 * Begins a device login (RFC 8628 §3.1).
 * @throws OAuthError; with status 404 the account's device login is switched off
 */
export async function beginDeviceAuthorization(
  http: Http,
  client: OAuthClient,
  signal?: AbortSignal,
): Promise<DeviceAuthorization> {
  const body = { client_id: client.clientId };
  const response = await post(http, `${client.issuer}/api/accounts/deviceauth/usercode`, {
    body,
    signal,
  }).catch((error: unknown) => {
    throw error instanceof OAuthError && error.status === 404 ? notEnabled() : error;
  });
  const answer = readJsonObject(response.body) ?? {};
  const userCode = answer.user_code ?? answer.usercode;
  if (!isPrintable(answer.device_auth_id) || !isPrintable(userCode)) {
    throw unusable(response, "login", "holds no device code");
  }
  return {
    deviceAuthId: new Redacted(answer.device_auth_id),
    userCode,
    verificationUri: `${client.issuer}/codex/device`,
    intervalSeconds: parseInterval(answer.interval),
    expiresInSeconds: EXPIRES_IN_SECONDS,
  };
}

/**
 * Polls until the person has decided (RFC 8628 §3.4–3.5), at once and then every interval. What can pass by itself (429,
 * 5xx, a network that drops) makes the interval longer and is waited out.
 * @throws OAuthError when the login was denied, or expired (`oauthError` is `expired_token`); the signal's reason when
 *   it aborts
 */
export async function awaitDeviceAuthorization(
  http: Http,
  client: OAuthClient,
  authorization: DeviceAuthorization,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<DeviceGrant> {
  const expiresAtMs = clock.now() + authorization.expiresInSeconds * 1000;
  let intervalSeconds = authorization.intervalSeconds;
  let failures = 0;
  while (clock.now() < expiresAtMs) {
    const answer = await poll(http, client, authorization, signal);
    if (answer.kind === "approved") return answer.grant;
    if (answer.kind === "slowDown") intervalSeconds += SLOW_DOWN_SECONDS;
    failures = answer.kind === "unavailable" ? failures + 1 : 0;
    const waitMs = Math.max(pauseMs(intervalSeconds, failures), answer.retryAfterMs ?? 0);
    await sleep(clock, Math.min(waitMs, untilMs(clock, expiresAtMs)), signal);
  }
  throw expired();
}

type PollAnswer =
  | { readonly kind: "approved"; readonly grant: DeviceGrant }
  | { readonly kind: "pending" | "slowDown" | "unavailable"; readonly retryAfterMs?: number | undefined };

async function poll(
  http: Http,
  client: OAuthClient,
  { deviceAuthId, userCode }: DeviceAuthorization,
  signal: AbortSignal,
): Promise<PollAnswer> {
  const body = { device_auth_id: deviceAuthId.reveal(), user_code: userCode };
  try {
    const response = await post(http, `${client.issuer}/api/accounts/deviceauth/token`, { body, signal });
    return { kind: "approved", grant: parseGrant(response, client) };
  } catch (error) {
    if (error instanceof OAuthError) return undecided(error);
    throw error;
  }
}

/** The answers after which the next poll may still succeed; throws the others. */
function undecided(error: OAuthError): PollAnswer {
  // The codes of RFC 8628 §3.5. The real issuer was not seen sending them: it says 403 or 404 while it waits.
  if (error.oauthError === "authorization_pending") return { kind: "pending" };
  if (error.oauthError === "slow_down") return { kind: "slowDown" };
  if (error.oauthError === "expired_token") throw expired();
  if (error.oauthError === "access_denied") throw error;
  if (error.status === 403 || error.status === 404) return { kind: "pending" };
  const canPass = error.kind === "transient" || error.status === undefined;
  if (canPass) return { kind: "unavailable", retryAfterMs: error.retryAfterMs };
  throw error;
}

function parseGrant(response: HttpResponse, client: OAuthClient): DeviceGrant {
  const { authorization_code, code_verifier } = readJsonObject(response.body) ?? {};
  if (!isPrintable(authorization_code) || !isPrintable(code_verifier)) {
    throw unusable(response, "login", "holds no authorization code");
  }
  return {
    code: new Redacted(authorization_code),
    codeVerifier: new Redacted(code_verifier),
    redirectUri: `${client.issuer}/deviceauth/callback`,
  };
}

function post(
  http: Http,
  url: string,
  { body, signal }: { body: Record<string, string>; signal: AbortSignal | undefined },
): Promise<HttpResponse> {
  return postToIssuer(http, {
    exchange: "login",
    url,
    headers: { "content-type": "application/json", accept: "*/*" },
    body: JSON.stringify(body),
    deadlineMs: DEVICE_DEADLINE_MS,
    signal,
  });
}

/** The issuer sends a string that holds a number (codex-cli 0.169 refuses a JSON number; here both will do). */
function parseInterval(value: unknown): Seconds {
  const seconds = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof seconds !== "number" || Number.isNaN(seconds)) return DEFAULT_INTERVAL_SECONDS;
  return Math.min(Math.max(seconds, MIN_INTERVAL_SECONDS), MAX_INTERVAL_SECONDS);
}

/** Doubles with each failure in a row. */
function pauseMs(intervalSeconds: Seconds, failures: number): number {
  return Math.min(intervalSeconds * 2 ** failures, MAX_INTERVAL_SECONDS) * 1000;
}

function untilMs(clock: Clock, atMs: EpochMs): number {
  return Math.max(atMs - clock.now(), 0);
}

/** Goes to a terminal, or back to the issuer: visible ASCII. */
function isPrintable(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}

function notEnabled(): OAuthError {
  return new OAuthError(
    "Device code login is not enabled for this account, or this issuer does not have it. Switch on " +
      '"device code authorization" in the security settings of ChatGPT (in a workspace, an administrator does), or log in ' +
      "with the browser: `codex-auth login --browser`.",
    { kind: "terminal", status: 404 },
  );
}

function expired(): OAuthError {
  return new OAuthError("Nobody entered the code in time, and it has expired. Start the login again.", {
    kind: "terminal",
    oauthError: "expired_token",
  });
}
