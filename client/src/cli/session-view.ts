/** Sessions in words. */
import type { EpochMs, SessionStatus } from "@codex-authd/shared";
import { refusalReason } from "./error-report.js";
import { formatColumns, formatMoment, NONE, printable } from "./format.js";
import type { Output } from "./output.js";

const STATE_WORDS = {
  active: "logged in",
  signedOut: "not logged in",
  reauthorizationRequired: "login ended",
} as const satisfies Record<SessionStatus["state"], string>;

/** One sentence: who, on which plan, until when. */
export function sessionSentence(status: SessionStatus, nowMs: EpochMs): string {
  const plan = status.planType === null ? "" : `, plan ${status.planType}`;
  const validity = status.expiresAtMs === null ? "" : `, ${validityWords(status.expiresAtMs, nowMs)}`;
  return `Logged in as ${accountName(status)}${plan}${validity}.`;
}

/** A headline and some aligned lines; facts that say nothing now are left out. */
export function sessionLines(status: SessionStatus, nowMs: EpochMs, output: Output): string[] {
  const rows = sessionRows(status, nowMs).map(([label, value]) => [`  ${label}`, value]);
  const warnings = status.warnings.map(
    (text) => `${output.styleResult("yellow", "warning:")} ${printable(text)}`,
  );
  return [...headline(status, output), ...formatColumns(rows), ...warnings];
}

/** A table, one line a session. */
export function sessionTable(sessions: readonly SessionStatus[], nowMs: EpochMs): string[] {
  if (sessions.length === 0) return ["No sessions. Run `codex-auth login`."];
  const rows = sessions.map((session) => [
    isOther(session) ? "not managed" : STATE_WORDS[session.state],
    accountName(session),
    session.planType ?? NONE,
    session.expiresAtMs === null ? NONE : formatMoment(session.expiresAtMs, nowMs),
    printable(session.sessionName === null ? session.codexHome : `memory: ${session.sessionName}`),
  ]);
  return formatColumns([["STATE", "ACCOUNT", "PLAN", "VALID UNTIL", "CODEX HOME"], ...rows]);
}

/** Why there is no usable login, as truly as it is known. */
export function sessionReason(status: SessionStatus): string {
  return (
    refusalReason(status.lastError?.oauthError) ?? printable(status.reason ?? "The daemon does not say why.")
  );
}

function headline(status: SessionStatus, output: Output): string[] {
  if (status.state === "active") {
    return [`${output.styleResult(["bold", "green"], "Logged in")} as ${accountName(status)}`];
  }
  const words = status.state === "signedOut" ? "Not logged in." : "The login has ended.";
  const cure = "Run `codex-auth login`.";
  return isOther(status)
    ? [`${output.styleResult("bold", "No login to manage.")} ${sessionReason(status)}`]
    : [`${output.styleResult(["bold", "yellow"], words)} ${sessionReason(status)}`, cure];
}

/** A credential that is shown and left alone: an API key, external tokens, and the like. */
function isOther({ state, authMode }: SessionStatus): boolean {
  return state === "signedOut" && authMode !== null;
}

function sessionRows(status: SessionStatus, nowMs: EpochMs): [string, string][] {
  const moment = (atMs: EpochMs | null): string | undefined =>
    atMs === null ? undefined : formatMoment(atMs, nowMs);
  const rows: [string, string | undefined][] = [
    ["plan", status.planType ?? undefined],
    ["account", status.accountId ?? undefined],
    ["token", status.expiresAtMs === null ? undefined : validityWords(status.expiresAtMs, nowMs)],
    ["refreshed", moment(status.lastRefreshAtMs)],
    ["next refresh", status.refreshInFlight ? "now" : moment(status.nextRefreshAtMs)],
    ["mode", status.authMode ?? NONE],
    ["Codex home", status.sessionName === null ? status.codexHome : undefined],
    ["storage", storageWords(status)],
    ["issuer", status.issuer ?? undefined],
    ["CA file", withSource(status.network.caCertificateFile, status.network.caCertificateSource)],
    ["proxy", withSource(status.network.proxy, status.network.proxySource)],
    ["last error", lastErrorWords(status, nowMs)],
  ];
  return rows.flatMap(([label, value]) => (value === undefined ? [] : [[label, printable(value)]]));
}

function accountName(status: SessionStatus): string {
  return printable(status.email ?? status.accountId ?? (status.state === "active" ? "unknown" : NONE));
}

function validityWords(expiresAtMs: EpochMs, nowMs: EpochMs): string {
  return `${expiresAtMs > nowMs ? "valid until" : "expired at"} ${formatMoment(expiresAtMs, nowMs)}`;
}

function storageWords(status: SessionStatus): string {
  if (status.sessionName !== null)
    return `memory, under the name ${status.sessionName}; it ends with the daemon`;
  if (status.storageState === "stored") return status.storage;
  return `${status.storage}, NOT WRITTEN YET: the newest token is in the daemon's memory, and the write is retried`;
}

function withSource(value: string | null, source: string | null): string | undefined {
  return value === null ? undefined : `${value} (${source})`;
}

function lastErrorWords({ lastError }: SessionStatus, nowMs: EpochMs): string | undefined {
  return lastError === null
    ? undefined
    : `${lastError.code} at ${formatMoment(lastError.atMs, nowMs)}: ${lastError.message}`;
}
