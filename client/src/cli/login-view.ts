/** What a person is shown to log in. */
import type { EpochMs } from "@codex-authd/shared";
import type { PendingLogin } from "../call-options.js";
import { FALLBACK_AFTER_MS } from "../login.js";
import { formatMoment, printable } from "./format.js";
import type { Output } from "./output.js";

const FALLBACK_MINUTES = FALLBACK_AFTER_MS / 60_000;

type BrowserLogin = Extract<PendingLogin, { flow: "browser" }>;
type DeviceLogin = Extract<PendingLogin, { flow: "device" }>;

/** The first line of `login --json`. */
export function authorizationEvent(pending: PendingLogin): object {
  const { flow, expiresAtMs } = pending;
  if (flow === "browser") {
    return { event: "authorization", flow, authorizationUrl: pending.authorizationUrl, expiresAtMs };
  }
  const { verificationUri, userCode } = pending;
  return { event: "authorization", flow, verificationUri, userCode, expiresAtMs };
}

/** `isOpening`: a browser is opened for the person, who needs the URL only when that fails. */
export function browserLines(
  { authorizationUrl, fallback }: BrowserLogin,
  isOpening: boolean,
  output: Output,
): string[] {
  const words = isOpening
    ? "Log in with your browser, which opens now. If it does not, open this address:"
    : "Open this address in a browser to log in:";
  const later = fallback
    ? [`If the browser does not come back within ${FALLBACK_MINUTES} minutes, a code follows.`, ""]
    : [];
  return [words, "", output.styleNote("cyan", printable(authorizationUrl)), "", ...later];
}

/** Half a sentence; what it means for the address follows. */
export function noRedirectWords(): string {
  return `The browser did not come back from the address above within ${FALLBACK_MINUTES} minutes`;
}

export function deviceLines(pending: DeviceLogin, nowMs: EpochMs, output: Output): string[] {
  const code = printable(pending.userCode);
  const line = "─".repeat(code.length + 4);
  return [
    "Log in with a browser on any device:",
    "",
    `  1. Open   ${output.styleNote("cyan", printable(pending.verificationUri))}`,
    "  2. Enter  this code:",
    "",
    `       ┌${line}┐`,
    `       │  ${output.styleNote("bold", code)}  │`,
    `       └${line}┘`,
    "",
    `The code is valid until ${formatMoment(pending.expiresAtMs, nowMs)}.`,
    "Continue only if you started this login. If somebody gave you the code, cancel.",
    "",
  ];
}

export const PASTE_PROMPT = [
  "When the browser ends on a page that cannot be reached, copy its whole address,",
  "paste it here and press Enter:",
];
