/** The login, as the daemon knows it. */
import type { SessionStatus } from "@codex-authd/shared";
import { refusalReason } from "../error-report.js";
import { type Check, type Finding, problem, warning } from "./finding.js";

/** A clock that is off by less is nobody's trouble. */
const CLOCK_TOLERANCE_MS = 60_000;

export const sessionChecks: Check = async (examination) => {
  const status = await examination.status();
  return status === null ? [] : sessionFindings(status, examination.nowMs);
};

/** What of a session a person should know. */
export function sessionFindings(status: SessionStatus, nowMs: number): Finding[] {
  const refresh = [...storageFindings(status), ...refreshFindings(status)];
  return [...loginFindings(status), ...refresh, ...clockFindings(status, nowMs)];
}

function loginFindings({ state, reason, lastError, authMode }: SessionStatus): Finding[] {
  if (state === "active") return [];
  if (state === "reauthorizationRequired") {
    const why = refusalReason(lastError?.oauthError) ?? reason;
    const second = lastError?.oauthError === "refresh_token_reused" ? SECOND_REFRESHER : "";
    return [problem("login-ended", `The login has ended. ${why}`, `Run \`codex-auth login\`.${second}`)];
  }
  if (lastError?.code === "ERR_STORAGE_CORRUPT") {
    return [
      problem(
        "auth-json-corrupt",
        lastError.message,
        "Repair the file, or run `codex-auth login` to replace it; a copy is kept.",
      ),
    ];
  }
  if (lastError?.code === "ERR_STORAGE_UNAVAILABLE") {
    return [problem("store-unavailable", lastError.message, "Do what the message says.")];
  }
  if (authMode !== null && authMode !== "chatgpt") {
    const words = `Codex uses a credential of mode "${authMode}" here, which codex-authd does not refresh.`;
    return [
      warning(
        "other-credential",
        words,
        "Leave it, or run `codex-auth login` to use a ChatGPT login instead.",
      ),
    ];
  }
  return [problem("not-logged-in", `Nobody is logged in. ${reason ?? ""}`.trim(), "Run `codex-auth login`.")];
}

const SECOND_REFRESHER =
  " Then find the other program that refreshes: a Codex on a copy of auth.json, or another tool that holds it.";

function storageFindings({ storageState, lastError, warnings }: SessionStatus): Finding[] {
  if (storageState === "pending") {
    const why = lastError === null ? "" : ` ${lastError.message}`;
    return [
      problem(
        "write-pending",
        `The newest token is in the daemon's memory only.${why}`,
        "Mend the disk or its permissions, and do not stop the daemon before.",
      ),
    ];
  }
  return warnings.map((text) => warning("session-warning", text, "Do what the message says."));
}

/** An error that is being waited out, while the access token is still good. */
function refreshFindings({ state, storageState, lastError }: SessionStatus): Finding[] {
  if (state !== "active" || storageState === "pending" || lastError === null) return [];
  const words = `The last refresh did not succeed (${lastError.code}): ${lastError.message}`;
  return [
    warning(
      "refresh-failing",
      words,
      "The token that is there is served meanwhile; the daemon tries again by itself.",
    ),
  ];
}

function clockFindings({ lastRefreshAtMs }: SessionStatus, nowMs: number): Finding[] {
  if (lastRefreshAtMs === null || lastRefreshAtMs - nowMs < CLOCK_TOLERANCE_MS) return [];
  const words = `The login was refreshed at ${new Date(lastRefreshAtMs).toISOString()}, which this machine's clock has not reached yet.`;
  return [problem("clock-behind", words, "Set the clock, for example with `timedatectl set-ntp true`.")];
}
