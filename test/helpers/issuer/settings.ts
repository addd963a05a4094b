import type { TestUser } from "./users.js";

/** What can be turned on a running authorization server; every change holds from the next request on. */
export class IssuerSettings {
  /** Lifetime of the access tokens issued from now on; a user's own lifetime goes before it. */
  accessTokenLifetimeSeconds = 3600;
  /** Lifetime of the refresh tokens issued from now on. */
  refreshTokenLifetimeSeconds = 30 * 24 * 3600;
  /** How far the issuer's clock (Date header, iat, exp, its own verdicts) is ahead of this machine's. */
  clockSkewSeconds = 0;
  /** `interval` of the device authorization response; 0 switches the check of the polling pace off. */
  deviceIntervalSeconds = 1;
  /** What one `slow_down` adds to the interval of a device authorization (RFC 8628 §3.5). */
  slowDownSeconds = 5;
  /** False: the device authorization endpoint answers 404, as for an account without device login. */
  isDeviceLoginEnabled = true;
  /** True: the authorization endpoint redirects at once, without a page to click on. */
  autoApprove = false;
  /** The answer to the exchange of an id_token for an API key. */
  apiKeyAnswer: { status: number; body: unknown } = {
    status: 200,
    body: { access_token: "sk-fake-exchanged-key" },
  };
}

/** The time on the issuer's clock, in epoch milliseconds. */
export function issuerNowMs(settings: IssuerSettings): number {
  return Date.now() + settings.clockSkewSeconds * 1000;
}

/** How long an access token for this user lives, in seconds. */
export function accessTokenLifetimeOf(user: TestUser, settings: IssuerSettings): number {
  return user.accessTokenLifetimeSeconds ?? settings.accessTokenLifetimeSeconds;
}
