import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "@codex-authd/shared";
import type { Log } from "#daemon/log.js";
import { createHttp } from "#daemon/net/http.js";
import { DIRECT, type NetworkSettings } from "#daemon/net/network-settings.js";
import type { SessionContext } from "#daemon/session/context.js";
import { Flights } from "#daemon/session/flights.js";
import { createGenerations } from "#daemon/session/generations.js";
import type { Session } from "#daemon/session/session.js";
import { Sessions } from "#daemon/session/sessions.js";
import type { Change } from "#daemon/session/stored-state.js";
import { Successors } from "#daemon/session/successors.js";
import { createFileStorage } from "#daemon/storage/file-storage.js";
import type { GrantStorage } from "#daemon/storage/grant-storage.js";
import { openMemoryLogins } from "#daemon/storage/memory-logins.js";
import { createMemoryStorage } from "#daemon/storage/memory-storage.js";
import {
  createVolatileRecord,
  openSessionRecord,
  type SessionRecord,
} from "#daemon/storage/session-record.js";
import type { AuthorizationServer, TestUser } from "./authorization-server.js";
import { writeLogin } from "./logins.js";
import { temporaryFolder } from "./temp-folder.js";
import { unreadMetrics } from "./unread-metrics.js";

const silent = (): void => {};
export const silentLog: Log = {
  fatal: silent,
  error: silent,
  warn: silent,
  info: silent,
  debug: silent,
  trace: silent,
};

export interface SessionHarness {
  readonly home: string;
  readonly sessions: Sessions;
  readonly changes: readonly Change[];
  /** Opens the session of the Codex home. */
  open(codexHome?: string): Promise<Session>;
  /** A second daemon of the same user on the same Codex home. */
  restartedBeside(): SessionHarness;
  /** Lets go of the sessions as far as others can see it, as the end of a process does. */
  abandon(): Promise<void>;
  /** Writes a login that the issuer knows, as another process would. */
  login(user?: TestUser): void;
}

export interface HarnessOptions {
  readonly clock?: Clock;
  /** An existing Codex home instead of a new one. */
  readonly home?: string;
  readonly trustedIssuers?: readonly string[];
  /** What config.toml says of CA and proxies. */
  readonly network?: NetworkSettings;
  /** Stands between the session and its file. */
  readonly wrapStorage?: (storage: GrantStorage) => GrantStorage;
}

/** The session layer on real files and real HTTP to the issuer, without the socket. */
export function createSessionHarness(
  t: { teardown(fn: () => unknown): void },
  issuer: AuthorizationServer,
  options: HarnessOptions = {},
): SessionHarness {
  const { clock = systemClock, trustedIssuers = [], wrapStorage = (storage) => storage } = options;
  const home = options.home ?? join(temporaryFolder(t), ".codex");
  mkdirSync(home, { mode: 0o700, recursive: true });
  const recordFolder = join(home, "..", "state", "sessions");
  const records: SessionRecord[] = [];
  const changes: Change[] = [];
  const http = createHttp();
  const settings = {
    issuer: issuer.url,
    trustedIssuers,
    clientId: CLIENT_ID,
    originator: "codex_cli_rs",
    userAgent: "test",
    network: options.network ?? DIRECT,
  };
  const shared = {
    http,
    settings,
    flights: new Flights(),
    successors: new Successors(),
    generations: createGenerations(clock, { load: () => 0, save: () => {} }),
    random: () => 0.5,
  };
  const context: SessionContext = {
    clock,
    log: silentLog,
    metrics: unreadMetrics(),
    ...shared,
  } as SessionContext;
  const memoryLogins = openMemoryLogins(join(home, "..", "state", "memory-logins"), "test", () => {});
  const sessions = new Sessions({
    context,
    defaultCodexHome: home,
    openStorage: ({ codexHome, storage, sessionName }) =>
      wrapStorage(
        storage === "memory"
          ? createMemoryStorage(sessionName, memoryLogins)
          : createFileStorage(codexHome, clock),
      ),
    openRecord: ({ kind, location }, codexHome) => {
      if (kind === "memory") return createVolatileRecord(location);
      const record = closedOnce(openSessionRecord(recordFolder, { location, codexHome }));
      records.push(record);
      return record;
    },
    onChange: (_, change) => changes.push(change),
  });
  t.teardown(async () => {
    await sessions.close();
    await http.close();
  });
  return {
    home,
    sessions,
    changes,
    open: (codexHome = home) => sessions.open({ codexHome }),
    restartedBeside: () => createSessionHarness(t, issuer, { ...options, home }),
    abandon: async () => records.forEach((record) => void record.close()),
    login: (user) => writeLogin(home, issuer, user),
  };
}

const CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann";

/** Closing frees a descriptor, whose number another file may have by the second time. */
function closedOnce(record: SessionRecord): SessionRecord {
  let isClosed = false;
  return {
    get ownership() {
      return record.ownership;
    },
    get intent() {
      return record.intent;
    },
    claim: () => record.claim(),
    begin: (refreshToken, nowMs) => record.begin(refreshToken, nowMs),
    markSpent: (refreshToken) => record.markSpent(refreshToken),
    end: () => record.end(),
    isSpent: (refreshToken) => record.isSpent(refreshToken),
    get network() {
      return record.network;
    },
    bind: (network) => record.bind(network),
    close() {
      if (!isClosed) record.close();
      isClosed = true;
    },
  };
}
