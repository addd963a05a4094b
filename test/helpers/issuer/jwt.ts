import { generateKeyPairSync, randomUUID, sign, verify } from "node:crypto";
import type { TestUser } from "./users.js";

/** One key for all servers of a process: generating it is the slow part. */
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const HEADER = encode({ alg: "RS256", typ: "JWT", kid: "test-issuer" });

/** The scope upstream asks for, and gets. */
export const UPSTREAM_SCOPE = "openid profile email offline_access api.connectors.read api.connectors.invoke";

/** Whose tokens, from whom, for whom, and for how long. */
export interface TokenSubject {
  readonly user: TestUser;
  readonly issuer: string;
  readonly clientId: string;
  /** Epoch seconds. */
  readonly iat: number;
  /** Epoch seconds. */
  readonly exp: number;
}

/** An id_token with the claims that codex-cli 0.169 reads. */
export function createIdToken(subject: TokenSubject): string {
  return signJwt({
    ...registeredClaims(subject),
    aud: [subject.clientId],
    email: subject.user.email,
    email_verified: true,
    "https://api.openai.com/auth": authClaims(subject.user),
  });
}

/** An access token with the identity claims that codex-cli 0.169 reads in its external mode. */
export function createAccessToken(subject: TokenSubject): string {
  return signJwt({
    ...registeredClaims(subject),
    aud: ["https://api.openai.com/v1"],
    client_id: subject.clientId,
    scp: UPSTREAM_SCOPE.split(" "),
    "https://api.openai.com/auth": authClaims(subject.user),
    "https://api.openai.com/profile": { email: subject.user.email, email_verified: true },
  });
}

/** Whether this is a JWT that a server of this process signed. */
export function isSignedByIssuer(token: string): boolean {
  const [header, payload, signature] = token.split(".");
  if (!header || !payload || !signature) return false;
  return verify(
    "sha256",
    Buffer.from(`${header}.${payload}`),
    publicKey,
    Buffer.from(signature, "base64url"),
  );
}

/** The claims of a JWT, without a look at its signature. Throws a SyntaxError when the payload is not JSON. */
export function readClaims(token: string): Record<string, unknown> {
  const [, payload = ""] = token.split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
}

function registeredClaims({ user, issuer, iat, exp }: TokenSubject): object {
  return { iss: issuer, sub: `auth0|${user.chatgptUserId}`, iat, exp, jti: randomUUID() };
}

function authClaims(user: TestUser): object {
  return {
    chatgpt_account_id: user.accountId,
    ...(user.isFedramp ? { chatgpt_account_is_fedramp: true } : {}),
    chatgpt_plan_type: user.planType,
    chatgpt_user_id: user.chatgptUserId,
    user_id: user.chatgptUserId,
    organization_id: user.organizationId,
    project_id: "proj-fake",
    completed_platform_onboarding: true,
    is_org_owner: false,
    organizations: [{ id: user.organizationId, is_default: true, role: "owner", title: "Personal" }],
  };
}

function signJwt(claims: object): string {
  const signed = `${HEADER}.${encode(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
