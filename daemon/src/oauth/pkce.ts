/** The secrets of one authorization request: PKCE (RFC 7636) and `state` (RFC 6749 §10.12). */
import { createHash, randomBytes } from "node:crypto";
import { Redacted } from "@codex-authd/shared";

/** 86 characters, as codex-cli 0.169; RFC 7636 §4.1 allows 43 to 128. */
const VERIFIER_BYTES = 64;

/** 43 characters, as codex-cli 0.169: 256 bits that nobody guesses. */
const STATE_BYTES = 32;

/** A `code_verifier` and its S256 `code_challenge` (RFC 7636 §4.1–4.2). */
export function createPkce(): { codeVerifier: Redacted; codeChallenge: string } {
  const codeVerifier = randomBytes(VERIFIER_BYTES).toString("base64url");
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  return { codeVerifier: new Redacted(codeVerifier), codeChallenge };
}

/** A `state` that ties an authorization response to its request. */
export function createState(): string {
  return randomBytes(STATE_BYTES).toString("base64url");
}
