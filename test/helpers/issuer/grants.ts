import { createHash, randomBytes } from "node:crypto";
import { createAccessToken, createIdToken, UPSTREAM_SCOPE } from "./jwt.js";
import { accessTokenLifetimeOf, type IssuerSettings, issuerNowMs } from "./settings.js";
import type { TestUser } from "./users.js";

/** The token response, as it is on the wire. */
export interface TokenResponse {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: "Bearer";
  readonly expires_in: number;
  readonly scope: string;
}

/** A token that was handed out. */
export interface IssuedToken {
  readonly value: string;
  /** On the issuer's clock. */
  readonly expiresAtMs: number;
}

/** All tokens that descend from one login. The last refresh token is the living one; the others are spent. */
export interface Family {
  readonly user: TestUser;
  readonly clientId: string;
  readonly refreshTokens: IssuedToken[];
  readonly accessTokens: IssuedToken[];
  /** Successful refresh exchanges. */
  exchanges: number;
  /** Why nothing of this family is valid any more. */
  revokedBecause?: "code reused" | "refresh token reused" | "revoked";
}

/** What an authorization code is bound to. */
export interface CodeBinding {
  readonly user: TestUser;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
}

/** Why a refresh token is refused: the codes of codex-cli 0.169. */
export type RefreshRefusal = "refresh_token_reused" | "refresh_token_invalidated" | "refresh_token_expired";

interface IssuedCode extends CodeBinding {
  family?: Family;
  isSpent: boolean;
}

/** Everything the issuer remembers about codes and tokens. Each method commits before it returns. */
export class Grants {
  readonly families: Family[] = [];
  reuses = 0;
  readonly #settings: IssuerSettings;
  readonly #issuer: () => string;
  readonly #codes = new Map<string, IssuedCode>();
  readonly #rejectedAccessTokens = new Set<string>();

  /** `issuer` tells the `iss` claim; it is asked at each issue, for the port is known only after the start. */
  constructor(settings: IssuerSettings, issuer: () => string) {
    this.#settings = settings;
    this.#issuer = issuer;
  }

  /** Successful refresh exchanges of all families. */
  get exchanges(): number {
    return this.families.reduce((sum, family) => sum + family.exchanges, 0);
  }

  issueCode(binding: CodeBinding): string {
    const code = `ac_${randomBytes(24).toString("base64url")}`;
    this.#codes.set(code, { ...binding, isSpent: false });
    return code;
  }

  /**
   * Redeems a code, once: a wrong try spends it too. A second try revokes what the first one issued
   * (RFC 6749 §4.1.2). Answers the token response, or what was wrong.
   */
  redeemCode(
    code: string,
    proof: { clientId: string; redirectUri: string; codeVerifier: string; asUser?: TestUser | undefined },
  ): TokenResponse | string {
    const issued = this.#codes.get(code);
    if (issued === undefined) return "code is unknown";
    if (issued.isSpent) return this.#refuseSpentCode(issued);
    issued.isSpent = true;
    if (issued.clientId !== proof.clientId) return "client_id is not the one of the authorization request";
    if (issued.redirectUri !== proof.redirectUri)
      return "redirect_uri is not the one of the authorization request";
    if (issued.codeChallenge !== challengeOf(proof.codeVerifier))
      return "code_verifier does not fit the code_challenge";
    issued.family = this.startFamily(issued.user, issued.clientId);
    return this.issueTokens(issued.family, proof.asUser);
  }

  startFamily(user: TestUser, clientId: string): Family {
    const family: Family = { user, clientId, refreshTokens: [], accessTokens: [], exchanges: 0 };
    this.families.push(family);
    return family;
  }

  /** Issues the next tokens of a family, with the claims of `asUser` where it is given. */
  issueTokens(family: Family, asUser: TestUser = family.user): TokenResponse {
    const nowMs = issuerNowMs(this.#settings);
    const expiresIn = accessTokenLifetimeOf(asUser, this.#settings);
    const iat = Math.floor(nowMs / 1000);
    const exp = iat + expiresIn;
    const subject = { user: asUser, issuer: this.#issuer(), clientId: family.clientId, iat, exp };
    const accessToken = createAccessToken(subject);
    const refreshToken = `rt_${randomBytes(24).toString("base64url")}`;
    const refreshExpiresAtMs = nowMs + this.#settings.refreshTokenLifetimeSeconds * 1000;
    family.accessTokens.push({ value: accessToken, expiresAtMs: exp * 1000 });
    family.refreshTokens.push({ value: refreshToken, expiresAtMs: refreshExpiresAtMs });
    return {
      id_token: createIdToken(subject),
      access_token: accessToken,
      refresh_token: refreshToken,
      token_type: "Bearer",
      expires_in: expiresIn,
      scope: UPSTREAM_SCOPE,
    };
  }

  /** Spends a refresh token and issues its successor, or says why not. A reuse revokes the whole family. */
  rotate(refreshToken: string, asUser?: TestUser): TokenResponse | RefreshRefusal {
    const family = this.findFamily(refreshToken);
    const living = family?.refreshTokens.at(-1);
    if (family === undefined || living === undefined) return "refresh_token_invalidated";
    if (living.value !== refreshToken) return this.#refuseReuse(family);
    if (family.revokedBecause !== undefined) return "refresh_token_invalidated";
    if (living.expiresAtMs <= issuerNowMs(this.#settings)) return "refresh_token_expired";
    family.exchanges += 1;
    return this.issueTokens(family, asUser);
  }

  /** The family of an access or refresh token, also of a spent one. */
  findFamily(token: string): Family | undefined {
    return this.families.find((family) =>
      [...family.refreshTokens, ...family.accessTokens].some(({ value }) => value === token),
    );
  }

  isAccessTokenValid(token: string): boolean {
    const family = this.findFamily(token);
    if (family === undefined || family.revokedBecause !== undefined) return false;
    if (this.#rejectedAccessTokens.has(token)) return false;
    const issued = family.accessTokens.find(({ value }) => value === token);
    return issued !== undefined && issuerNowMs(this.#settings) < issued.expiresAtMs;
  }

  /** From now on this one access token is invalid; its family lives on. */
  rejectAccessToken(token: string): void {
    this.#rejectedAccessTokens.add(token);
  }

  #refuseSpentCode(issued: IssuedCode): string {
    if (issued.family !== undefined) issued.family.revokedBecause ??= "code reused";
    return "code was used before";
  }

  #refuseReuse(family: Family): RefreshRefusal {
    this.reuses += 1;
    family.revokedBecause ??= "refresh token reused";
    return "refresh_token_reused";
  }
}

/** The S256 challenge of a verifier (RFC 7636 §4.2). */
export function challengeOf(codeVerifier: string): string {
  return createHash("sha256").update(codeVerifier).digest("base64url");
}
