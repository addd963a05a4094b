import type { AuthorizationServer } from "./authorization-server.js";
import { readAuthJson, writeLogin } from "./logins.js";

/**
 * Writes a login whose tokens were issued `ageSeconds` ago; the issuer's clock is right again afterwards.
 * @returns its access token
 */
export function writeAgedLogin(home: string, issuer: AuthorizationServer, ageSeconds: number): string {
  issuer.clockSkewSeconds = -ageSeconds;
  writeLogin(home, issuer);
  issuer.clockSkewSeconds = 0;
  return readAuthJson(home).tokens.access_token;
}
