/** The session layer without the socket, on real files, real records and real HTTP: what refreshes and stores. */
import { systemClock } from "@codex-authd/shared";
import { createHttp } from "#daemon/net/http.js";
import { DIRECT } from "#daemon/net/network-settings.js";
import { Flights } from "#daemon/session/flights.js";
import { createGenerations } from "#daemon/session/generations.js";
import type { Session } from "#daemon/session/session.js";
import { Sessions } from "#daemon/session/sessions.js";
import { Successors } from "#daemon/session/successors.js";
import { createFileStorage } from "#daemon/storage/file-storage.js";
import { openSessionRecord } from "#daemon/storage/session-record.js";
import { UPSTREAM_CLIENT_ID } from "../helpers/authorization-server.js";
import { silentLog } from "../helpers/session-harness.js";
import { unreadMetrics } from "../helpers/unread-metrics.js";

export interface SessionPlace {
  readonly issuerUrl: string;
  readonly codexHome: string;
  /** Where the daemon keeps its records. */
  readonly recordFolder: string;
}

export interface SessionLayer extends AsyncDisposable {
  readonly session: Session;
}

/** Opens the session of one Codex home as a starting daemon does; `onChange` is told of every published generation. */
export async function openSessionLayer(
  { issuerUrl, codexHome, recordFolder }: SessionPlace,
  onChange: (session: Session) => void = () => {},
): Promise<SessionLayer> {
  const http = createHttp();
  const sessions = new Sessions({
    context: {
      clock: systemClock,
      log: silentLog,
      metrics: unreadMetrics(),
      http,
      settings: {
        issuer: issuerUrl,
        trustedIssuers: [],
        clientId: UPSTREAM_CLIENT_ID,
        originator: "codex_cli_rs",
        userAgent: "proof",
        network: DIRECT,
      },
      flights: new Flights(),
      successors: new Successors(),
      generations: createGenerations(systemClock, { load: () => 0, save: () => {} }),
      random: () => 0.5,
    },
    defaultCodexHome: codexHome,
    openStorage: () => createFileStorage(codexHome, systemClock),
    openRecord: ({ location }) => openSessionRecord(recordFolder, { location, codexHome }),
    onChange,
  });
  return {
    session: await sessions.open({}),
    async [Symbol.asyncDispose]() {
      await sessions.close();
      await http.close();
    },
  };
}
