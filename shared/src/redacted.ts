import { createHash } from "node:crypto";

const MASK = "[redacted]";

/**
 * A secret at rest. It prints as `[redacted]` through string conversion, JSON, `util.inspect` and template literals;
 * only {@link Redacted.reveal} gives the value, so every use of a secret can be found by that name.
 */
export class Redacted<T extends string = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return MASK;
  }
}

/**
 * What names a token without being it: SHA-256, lower-case hex. Callers send it as `rejectedToken`; the daemon keys its
 * single flights by it.
 */
export function fingerprint(token: string): string {
  return createHash("sha256").update(token, "utf8").digest("hex");
}
