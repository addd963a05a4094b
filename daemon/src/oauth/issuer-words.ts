/** An issuer's own words, made fit for messages, logs and terminals. */

/** Enough for a sentence or two, short enough for one line of a log. */
const WORDS_MAX_LENGTH = 300;

/** What is looked at before it is cut: bounds the work on a body of any size. */
const SCAN_MAX_LENGTH = 4096;

/** JWTs, upstream's `rt_`, `at-` and `sk-` tokens, `name=value` secrets, and any long opaque run. */
const SECRETS =
  /\beyJ[\w.-]{5,}|\b(?:rt|at|sk|ac)[-_.][\w.-]{6,}|\b(?:code|state|token|code_verifier|(?:id|access|refresh)_token)=[^\s&"']+|[\w+/=-]{40,}/gi;

/** Without tokens, codes and control characters, on one line, at most 300 characters. */
export function issuerWords(text: string): string {
  const line = text
    .slice(0, SCAN_MAX_LENGTH)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(SECRETS, "[redacted]")
    .trim();
  return line.length > WORDS_MAX_LENGTH ? `${line.slice(0, WORDS_MAX_LENGTH - 1)}…` : line;
}

/** An OAuth error code in lower case; `undefined` for what cannot be one. */
export function errorCode(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^[\w.-]+$/.test(value)) return undefined;
  return issuerWords(value) === value ? value.toLowerCase() : undefined;
}
