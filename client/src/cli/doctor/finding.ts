/** What `codex-auth doctor` looks at, and what it finds. */
import type { Environment, SessionStatus } from "@codex-authd/shared";
import type { AuthClient } from "../../auth-client.js";
import type { SessionSelector } from "../../call-options.js";
import type { Terminal } from "../terminal.js";

export interface Finding {
  /** Stable name of the fault, for scripts. */
  readonly id: string;
  /** `problem`: something does not work. `warning`: it works, and will cost somebody something. */
  readonly level: "problem" | "warning";
  /** What is wrong, and what comes of it. */
  readonly message: string;
  /** What to do. */
  readonly cure: string;
  /** The cure itself, where it can do no harm. */
  readonly fix?: () => void;
}

/** The person's place, as the checks see it. */
export interface Examination {
  readonly env: Environment;
  readonly cwd: string;
  readonly uid: number;
  readonly nowMs: number;
  /** Canonical where it exists. */
  readonly codexHome: string;
  /** Where daemons may listen, best first. */
  readonly sockets: readonly string[];
  readonly stateFolder: string;
  readonly client: AuthClient;
  readonly selector: SessionSelector;
  readonly terminal: Terminal;
  /** The session, as the daemon knows it; `null` when there is no daemon to ask. */
  status(): Promise<SessionStatus | null>;
}

/** One kind of thing to look at. A check that fails to look says so; it never throws. */
export type Check = (examination: Examination) => Finding[] | Promise<Finding[]>;

export function problem(id: string, message: string, cure: string, fix?: () => void): Finding {
  return { id, level: "problem", message, cure, ...(fix && { fix }) };
}

export function warning(id: string, message: string, cure: string, fix?: () => void): Finding {
  return { id, level: "warning", message, cure, ...(fix && { fix }) };
}
