/** What the issuer sends back through the person's browser (RFC 6749 §4.1.2). */
import { createHash, timingSafeEqual } from "node:crypto";
import { Redacted } from "@codex-authd/shared";
import { errorCode, issuerWords } from "./issuer-words.js";

export type AuthorizationResponse =
  | { readonly kind: "code"; readonly code: Redacted; readonly state: string }
  | {
      readonly kind: "error";
      /** The issuer's code, such as `access_denied`. */
      readonly error: string;
      /** The issuer's words, already safe to show. */
      readonly description?: string;
      readonly state: string;
    }
  | { readonly kind: "malformed"; readonly reason: string };

/** What codex-cli 0.169 also accepts behind a `state`. */
const ONBOARDING_SUFFIX = ".onboarding_entrypoint=life_sciences";

/** Parameters that decide something; a second one is a sign of somebody else's hand (RFC 6749 §3.1 forbids it). */
const SINGLE_PARAMETERS = ["code", "state", "error", "error_description"] as const;

/** Reads the query of a redirect. Whether `state` is the right one is for {@link isSameState} to say. */
export function parseAuthorizationResponse(url: URL): AuthorizationResponse {
  const parameters = url.searchParams;
  const duplicate = SINGLE_PARAMETERS.find((name) => parameters.getAll(name).length > 1);
  if (duplicate !== undefined) return malformed(`it holds \`${duplicate}\` twice`);
  const state = parameters.get("state");
  const code = parameters.get("code");
  const error = parameters.get("error");
  if (!state) return malformed("it holds no `state`");
  if (code && error) return malformed("it holds both `code` and `error`");
  if (code) return { kind: "code", code: new Redacted(code), state };
  if (!error) return malformed("it holds neither `code` nor `error`");
  const description = issuerWords(parameters.get("error_description") ?? "");
  return {
    kind: "error",
    error: errorCode(error) ?? "invalid_error_code",
    ...(description === "" ? {} : { description }),
    state,
  };
}

/** True when `received` is the `state` that was sent, alone or with the suffix that upstream accepts. In constant time. */
export function isSameState(received: string, expected: string): boolean {
  const isPlain = isEqual(received, expected);
  const isSuffixed = isEqual(received, expected + ONBOARDING_SUFFIX);
  return isPlain || isSuffixed;
}

function isEqual(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function malformed(reason: string): AuthorizationResponse {
  return { kind: "malformed", reason };
}
