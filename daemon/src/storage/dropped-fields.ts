/**
 * What a Codex drops from the login that it rotates: it writes only the fields that it knows (codex-cli 0.169). The unknown
 * ones that were last seen beside a login are remembered here, in memory only, so that they can be put back. What a person
 * removes while the tokens stay is removed.
 */
import { type AuthJson, loginOf, type UnknownFields, unknownFields, withUnknownFields } from "./auth-json.js";

export interface DroppedFields {
  /** Takes note of what a store holds, or was given. */
  see(document: AuthJson): void;
  /** True when the last rotation by another process dropped something. */
  readonly isAny: boolean;
  /** `document` with what was dropped, or `undefined` when that is nothing or from another content than the one last seen. */
  putBackInto(document: AuthJson): AuthJson | undefined;
}

interface Seen {
  /** What tells a login from the next one; `null` when nothing does. */
  readonly login: string | null;
  readonly tokens: string | null;
  readonly fields: UnknownFields;
}

const NONE: UnknownFields = { top: {}, tokens: {} };

export function createDroppedFields(): DroppedFields {
  let seen: Seen | undefined;
  let dropped = NONE;
  return {
    get isAny() {
      return isAny(dropped);
    },
    see(document) {
      const now: Seen = { ...loginOf(document), fields: unknownFields(document) };
      dropped = missingFrom(now, seen, dropped);
      seen = now;
    },
    putBackInto(document) {
      if (!isAny(dropped) || loginOf(document).tokens !== seen?.tokens) return undefined;
      return withUnknownFields(document, dropped);
    },
  };
}

/** What is owed to the login after this look: also what was owed before and could not be written. */
function missingFrom(now: Seen, before: Seen | undefined, owed: UnknownFields): UnknownFields {
  if (now.login === null || now.login !== before?.login) return NONE;
  const wasThere = now.tokens === before.tokens ? NONE : before.fields;
  return {
    top: without({ ...owed.top, ...wasThere.top }, now.fields.top),
    tokens: without({ ...owed.tokens, ...wasThere.tokens }, now.fields.tokens),
  };
}

function without(fields: UnknownFields["top"], present: UnknownFields["top"]): UnknownFields["top"] {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !Object.hasOwn(present, name)));
}

function isAny({ top, tokens }: UnknownFields): boolean {
  return Object.keys(top).length + Object.keys(tokens).length > 0;
}
