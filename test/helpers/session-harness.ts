import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "@codex-authd/shared";
import type { Log } from "#daemon/log.js";
import { createHttp } from "#daemon/net/http.js";
import type { SessionContext } from "#daemon/session/context.js";
import { Flights } from "#daemon/session/flights.js";
import { createGenerations } from "#daemon/session/generations.js";
import type { Session } from "#daemon/session/session.js";
import { Sessions } from "#daemon/session/sessions.js";
import type { Change } from "#daemon/session/stored-state.js";
import { createFileStorage } from "#daemon/storage/file-storage.js";
import type { GrantStorage } from "#daemon/storage/grant-storage.js";
import type { AuthorizationServer, TestUser } from "./authorization-server.js";
import { writeLogin } from "./logins.js";
import { temporaryFolder } from "./temp-folder.js";

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
  /** Writes a login that the issuer knows, as another process would. */
  login(user?: TestUser): void;
}

export interface HarnessOptions {
  readonly clock?: Clock;
  readonly trustedIssuers?: readonly string[];
  /** Stands between the session and its file. */
  readonly wrapStorage?: (storage: GrantStorage) => GrantStorage;
}

/** The session layer on real files and real HTTP to the issuer, without the socket. */
export function createSessionHarness(
  t: { teardown(fn: () => unknown): void },
  issuer: AuthorizationServer,
  { clock = systemClock, trustedIssuers = [], wrapStorage = (storage) => storage }: HarnessOptions = {},
): SessionHarness {
  const home = join(temporaryFolder(t), ".codex");
  mkdirSync(home, { mode: 0o700 });
  const changes: Change[] = [];
  const http = createHttp();
  const settings = {
    issuer: issuer.url,
    trustedIssuers,
    clientId: CLIENT_ID,
    originator: "codex_cli_rs",
    userAgent: "test",
  };
  const shared = {
    http,
    settings,
    flights: new Flights(),
    generations: createGenerations(clock),
    random: () => 0.5,
  };
  const context: SessionContext = { clock, log: silentLog, ...shared } as SessionContext;
  const sessions = new Sessions({
    context,
    defaultCodexHome: home,
    openStorage: (codexHome) => wrapStorage(createFileStorage(codexHome, clock)),
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
    login: (user) => writeLogin(home, issuer, user),
  };
}

const CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann";
