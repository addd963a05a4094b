/** What the owner of the sessions has to be told, and when: pure functions of what is known and the hour. */
import type { EpochMs, SessionStatus } from "@codex-authd/shared";

/** Something that only a person can mend. */
export interface Problem {
  readonly event: "loginNeeded" | "writeFailed";
  readonly codexHome: string;
  /** Of a memory session, else `null`. */
  readonly sessionName: string | null;
  /** Code of the error behind it. */
  readonly reason: string;
  /** What happened and what to do, in words. */
  readonly message: string;
}

/** What is told: a problem, or that one is no more. */
export type Notice = Problem | (Omit<Problem, "event"> & { readonly event: "solved" });

/** A problem that was told, and how long it is not told again. */
export interface Told {
  readonly problem: Problem;
  readonly atMs: EpochMs;
  readonly quietMs: number;
}

const FIRST_QUIET_MS = 3_600_000;
const LONGEST_QUIET_MS = 24 * FIRST_QUIET_MS;

/** A session that was signed out on purpose, or has never had a login, is no problem. */
export function problemsOf(status: SessionStatus): Problem[] {
  const { codexHome, sessionName, state, storageState, lastError } = status;
  const { code: reason = "", message = "" } = lastError ?? {};
  const subject = { codexHome, sessionName, reason, message };
  if (state === "reauthorizationRequired") return [{ event: "loginNeeded", ...subject }];
  return storageState === "pending" ? [{ event: "writeFailed", ...subject }] : [];
}

/** Each problem once, then again after 1 h, 2 h, 4 h and so on up to 24 h, for as long as it lasts; its end once. */
export function noticesDue(
  told: readonly Told[],
  problems: readonly Problem[],
  nowMs: EpochMs,
): { notices: Notice[]; told: Told[] } {
  const solved = told.filter((one) => !problems.some((problem) => isSame(problem, one.problem)));
  const now = problems.map((problem) => {
    const before = told.find((one) => isSame(problem, one.problem));
    if (!before) return { problem, atMs: nowMs, quietMs: FIRST_QUIET_MS };
    if (nowMs - before.atMs < before.quietMs) return before;
    return { problem, atMs: nowMs, quietMs: Math.min(before.quietMs * 2, LONGEST_QUIET_MS) };
  });
  const due = now.filter((one) => !told.includes(one)).map(({ problem }) => problem);
  const ends = solved.map(({ problem }) => ({ ...problem, event: "solved" as const }));
  return { notices: [...due, ...ends], told: now };
}

function isSame(one: Problem, other: Problem): boolean {
  return (
    one.event === other.event && one.codexHome === other.codexHome && one.sessionName === other.sessionName
  );
}
