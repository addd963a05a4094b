import type { IncomingHttpHeaders } from "node:http";
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "@codex-authd/shared";
import { ClientError } from "./client-error.js";

/**
 * Checks that an answer comes from a daemon that speaks this client's protocol.
 * @throws ClientError ERR_DAEMON_VERSION, saying which side to upgrade
 */
export function checkProtocolVersion(headers: IncomingHttpHeaders, socketPath: string): void {
  const stated = headers[PROTOCOL_HEADER];
  if (stated === String(PROTOCOL_VERSION)) return;
  throw new ClientError("ERR_DAEMON_VERSION", mismatchSentence(stated, socketPath));
}

function mismatchSentence(stated: string | string[] | undefined, socketPath: string): string {
  if (typeof stated !== "string" || !/^\d+$/.test(stated)) {
    return (
      `What answers on ${socketPath} does not say which protocol it speaks, so it is no codex-authd that this client knows. ` +
      "Upgrade the daemon, or set CODEX_AUTHD_SOCKET to the socket of the right one."
    );
  }
  const older = Number(stated) < PROTOCOL_VERSION ? "the daemon" : "this client";
  return (
    `The daemon speaks protocol ${stated} and this client protocol ${PROTOCOL_VERSION}. ` +
    `Upgrade ${older}, then restart the daemon with \`codex-auth daemon stop\`.`
  );
}
