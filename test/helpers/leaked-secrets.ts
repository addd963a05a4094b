/** Looks for what only the issuer, auth.json and a caller who asked for it may see. */
import type { AuthorizationServer } from "./authorization-server.js";

/** Parameters of requests to the issuer that let somebody else finish, or take over, a login. */
const SECRET_PARAMETERS = ["code", "code_verifier", "device_auth_id", "refresh_token", "state"];

/** Whatever looks like a token, also one that no test issued. */
const TOKEN_PATTERN = /\beyJ[\w-]{10,}\.|\brt_[\w-]{10,}/;

/** Every access and refresh token that the issuer handed out. */
export function tokensOf(issuer: AuthorizationServer): string[] {
  return issuer.families.flatMap(({ accessTokens, refreshTokens }) =>
    [...accessTokens, ...refreshTokens].map(({ value }) => value),
  );
}

/** Those, and what was sent to the issuer to get them. */
export function secretsOf(issuer: AuthorizationServer): string[] {
  const sent = issuer.requests.flatMap(({ parsed }) => SECRET_PARAMETERS.map((name) => parsed[name]));
  return [...tokensOf(issuer), ...sent.filter((value) => typeof value === "string")];
}

/** @throws Error that names the line, with the secret cut out */
export function assertNoSecret(text: string, secrets: readonly string[], place: string): void {
  for (const line of text.split("\n")) {
    const secret =
      secrets.find((needle) => needle !== "" && line.includes(needle)) ?? TOKEN_PATTERN.exec(line)?.[0];
    if (secret !== undefined)
      throw new Error(`A secret is in ${place}: ${line.replaceAll(secret, "<SECRET>")}`);
  }
}
