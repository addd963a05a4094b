/** Who asked for what, and what came of it: what the audit trail gets. Where it is kept is the composition root's choice. */
import type { Caller } from "./caller.js";

export interface AuditEntry {
  /** `null` when nobody called: the end of a login. */
  readonly caller: Caller | null;
  /** A method, `login/ended`, or `connect` for a request that was refused before it was read. */
  readonly action: string;
  /** Whether it was done. */
  readonly decision: "allowed" | "refused";
  /** Why not: a code of the catalogue, `invalidParams` or `internalError`. */
  readonly code?: string | undefined;
  readonly codexHome?: string | undefined;
  readonly loginId?: string | undefined;
}

export interface Audit {
  /** Takes an entry, at once: whoever waits for a token does not wait for a disk. */
  record(entry: AuditEntry): void;
}

/** Methods that give a token away or change a login. Who only looks leaves no trace. */
export const AUDITED_METHODS: ReadonlySet<string> = new Set([
  "daemon/shutdown",
  "login/begin",
  "login/cancel",
  "login/complete",
  "session/logout",
  "session/refresh",
  "token/get",
]);
