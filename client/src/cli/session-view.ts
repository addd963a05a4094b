/** Sessions in words. */
import type { EpochMs, SessionStatus } from "@codex-authd/shared";
import { refusalReason } from "./error-report.js";
import { formatColumns, formatFacts, formatMoment, NONE, printable } from "./format.js";
import type { Output } from "./output.js";
import { wrap } from "./text.js";

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

export interface SessionViewOptions {
  readonly nowMs: EpochMs;
  readonly output: Output;
  /** Of the terminal; `undefined` where there is none, and nothing is wrapped. */
  readonly columns?: number | undefined;
  /** Codex home that the person named, for the command that mends it. */
  readonly codexHome?: string | undefined;
}

/** What is so, what to do, and some aligned facts; those that say nothing now are left out. */
export function sessionLines(status: SessionStatus, options: SessionViewOptions): string[] {
  const { output, columns, nowMs } = options;
  const warnings = status.warnings.map(
    (text) => `${output.styleResult("yellow", "warning:")} ${printable(text)}`,
  );
  return [...headline(status, options), ...formatFacts(sessionRows(status, nowMs), columns), ...warnings];
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

function headline(status: SessionStatus, options: SessionViewOptions): string[] {
  const { output, columns = Number.POSITIVE_INFINITY } = options;
  if (status.state === "active") return activeHeadline(status, options);
  if (isOther(status)) {
    return [`${output.styleResult("bold", "No login to manage.")} ${sessionReason(status)}`];
  }
  const words = status.state === "signedOut" ? "Not logged in." : "The login has ended.";
  const reason = sessionReason(status);
  const cure = `Run \`${loginCommandFor(status, options)}\`.`;
  const head = output.styleResult(["bold", "yellow"], words);
  const isShort = words.length + 1 + reason.length <= columns;
  return [...(isShort ? [`${head} ${reason}`] : [head, ...wrap(reason, columns)]), cure];
}

/** A login that is good now may still need somebody. */
function activeHeadline(status: SessionStatus, { output, nowMs, columns }: SessionViewOptions): string[] {
  const head = `${output.styleResult(["bold", "green"], "Logged in")} as ${accountName(status)}`;
  const trouble = troubleOf(status, nowMs);
  return trouble === undefined
    ? [head]
    : [
        head,
        ...wrap(trouble, columns ?? Number.POSITIVE_INFINITY).map((line) =>
          output.styleResult("yellow", line),
        ),
      ];
}

function troubleOf(
  { storageState, lastError, expiresAtMs }: SessionStatus,
  nowMs: EpochMs,
): string | undefined {
  if (storageState === "pending") {
    return "But the newest token is not written yet. Mend the disk or its permissions, and leave the daemon running: it tries again.";
  }
  if (lastError === null) return undefined;
  const until = expiresAtMs === null ? "now" : `until ${formatMoment(expiresAtMs, nowMs)}`;
  return `But the last refresh did not succeed. Nothing to do yet: the token is good ${until}, and the daemon tries again.`;
}

/** The login that mends this session, and no other. */
function loginCommandFor({ sessionName }: SessionStatus, { codexHome }: SessionViewOptions): string {
  if (sessionName !== null) return `codex-auth login --memory ${printable(sessionName)}`;
  return codexHome === undefined
    ? "codex-auth login"
    : `codex-auth login --codex-home ${printable(codexHome)}`;
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
