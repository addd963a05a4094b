/** Composition root: builds the layers in order and closes them in reverse. The only place that says what is made of what. */
import { existsSync } from "node:fs";
import type { Server } from "node:http";
import { arch, platform, release } from "node:os";
import { join } from "node:path";
import { type Clock, childEnvironmentFrom, type EpochMs } from "@codex-authd/shared";
import { type AuditFile, openAuditFile } from "./audit/audit-file.js";
import { loadCodexConfig } from "./codex/codex-config.js";
import type { Config } from "./config/load.js";
import type { Log } from "./log.js";
import { createMetrics, type Metrics, type SessionFacts } from "./metrics/metrics.js";
import { openPeerCredentials } from "./native/peer-credentials.js";
import { processIdentity } from "./native/process-identity.js";
import { createHttp } from "./net/http.js";
import { hasIPv4Localhost } from "./net/ipv4-localhost.js";
import { networkOfConfig } from "./net/network-settings.js";
import { createPortHolderFinder } from "./net/port-holder.js";
import { createNotices, type Notices } from "./notice/notices.js";
import { createLoopbackRedirects, type LoopbackRedirects } from "./oauth/loopback-redirect.js";
import type { PeerReader } from "./rpc/caller.js";
import { createDaemonHandlers } from "./rpc/handlers/daemon.js";
import { createLoginHandlers } from "./rpc/handlers/login.js";
import { createSessionHandlers } from "./rpc/handlers/session.js";
import { createTokenHandlers } from "./rpc/handlers/token.js";
import { RecentCallers } from "./rpc/recent-callers.js";
import { createRpcServer } from "./rpc/server.js";
import { ChangeFeed } from "./session/change-feed.js";
import type { SessionContext } from "./session/context.js";
import { Flights } from "./session/flights.js";
import { createGenerations } from "./session/generations.js";
import type { LoginFlows } from "./session/login-flows.js";
import { type LoginChange, Logins } from "./session/logins.js";
import type { Session } from "./session/session.js";
import { type SessionPlace, Sessions } from "./session/sessions.js";
import { Successors } from "./session/successors.js";
import { summaryOf } from "./session/summary.js";
import { createGenerationFile } from "./storage/generation-file.js";
import { openMemoryLogins } from "./storage/memory-logins.js";
import { openStorage } from "./storage/open-storage.js";
import { createVolatileRecord, openSessionRecord, rememberedHomes } from "./storage/session-record.js";
import { VERSION } from "./version.js";

export interface DaemonOptions {
  readonly config: Config;
  /** Where what must survive a restart is kept; no token among it. */
  readonly stateFolder: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Called when a caller asks the daemon to stop. */
  readonly onStopRequested: () => void;
}

export interface Daemon {
  /** Not yet listening: where it listens is the business of whoever supervises it. */
  readonly server: Server;
  /** How many sessions there are, in words; no secret. */
  summary(): string;
  /** Calls `listener` whenever {@link Daemon.summary} may have changed. */
  onChange(listener: () => void): void;
  /** Since when the daemon has had nothing to do and nothing to lose by ending, or `null` while it has. */
  idleSinceMs(): EpochMs | null;
  /** Ends event streams and pending logins, with a word to whoever waits, so that the drain is short. */
  stopServing(): Promise<void>;
  /** Waits for exchanges in flight, stores what they bring, and lets go of everything. */
  close(): Promise<void>;
}

export async function createDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, stateFolder, log, clock, onStopRequested } = options;
  const metrics = createMetrics({ version: VERSION, sessions: () => sessions.list().map(factsOf) });
  const context = createContext(options, metrics);
  const { http, generations } = context;
  const redirects = createLoopbackRedirects({ clock, findHolder: createPortHolderFinder() });
  const recordFolder = join(stateFolder, "sessions");
  const memoryLogins = openMemoryLogins(join(stateFolder, "memory-logins"), config.socket, (error) =>
    log.warn({ event: "memoryLogins.unsaved", error }),
  );
  const feed = new ChangeFeed(() => sessions.list(), generations);
  const sessions = new Sessions({
    context,
    defaultCodexHome: config.codexHome,
    openStorage: (place) =>
      openStorage({ ...place, storage: effectiveStore(place, log) }, { clock, memoryLogins }),
    openRecord: ({ kind, location }, codexHome) =>
      kind === "memory"
        ? createVolatileRecord(location)
        : openSessionRecord(recordFolder, { location, codexHome }),
    onChange(session, change) {
      const { codexHome, state, generation } = session.status();
      log.info({ event: "session.changed", cause: change.cause, codexHome, state, generation });
      metrics.sessionChanged(change.cause);
      feed.sessionChanged(session, change);
    },
  });
  const notices = openNotices(options, sessions);
  feed.subscribe(() => notices.look());
  const audit = openAudit(options);
  const recentCallers = new RecentCallers(options.clock);
  const readPeer = createPeerReader();
  const logins = new Logins(clock, (change) => {
    logLogin(log, change);
    auditLogin(audit, change);
    feed.loginChanged(change);
  });
  const flows = createLoginFlows(config, context, redirects);
  const rpc = createRpcServer({
    handlers: {
      ...createDaemonHandlers({
        version: VERSION,
        pid: process.pid,
        startedAtMs: clock.now(),
        socket: config.socket,
        sessionCount: () => sessions.list().length,
        warnings: readPeer ? [] : [PEERS_UNKNOWN],
        callers: () => recentCallers.list(),
        stop: onStopRequested,
      }),
      ...createLoginHandlers({ sessions, logins, flows }),
      ...createSessionHandlers(sessions),
      ...createTokenHandlers(sessions),
    },
    events: feed,
    log,
    metrics,
    audit: recentCallers.noting(audit),
    readPeer,
    clock,
    version: VERSION,
  });
  await rpc.ready();
  // Kept fresh from the start, before anybody asks for them.
  await sessions.open({});
  await openRemembered(sessions, recordFolder, log);
  return {
    server: rpc.server,
    summary: () => summaryOf(sessions.list()),
    onChange: (listener) => void feed.subscribe(listener),
    idleSinceMs: () => (logins.hasPending || sessions.needDaemon ? null : rpc.idleSinceMs()),
    async stopServing() {
      feed.daemonStopping();
      await rpc.close(logins.close());
    },
    async close() {
      await rpc.close();
      await redirects.close();
      await sessions.close();
      await http.close();
      await notices.close();
      await audit.close();
    },
  };
}

function createLoginFlows(
  config: Config,
  { http, clock, settings }: SessionContext,
  redirects: LoopbackRedirects,
): LoginFlows {
  const { callbackPort, callbackFallbackPort, redirectHost } = config;
  return {
    ...{ http, clock, redirects, client: settings, platform: process.platform },
    ...{ callbackPort, callbackFallbackPort, redirectHost, hasIPv4Localhost },
    ownerNetwork: settings.network,
    defaultEnvironment: childEnvironmentFrom(process.env, process.cwd()),
  };
}

function createContext({ config, stateFolder, log, clock }: DaemonOptions, metrics: Metrics): SessionContext {
  const { issuer, trustedIssuers, clientId, originator } = config;
  const generationFile = createGenerationFile(join(stateFolder, "generation"), (error) =>
    log.warn({ event: "generation.unsaved", error }),
  );
  return {
    clock,
    log,
    metrics,
    http: createHttp(),
    settings: {
      ...{ issuer, trustedIssuers, clientId, originator },
      userAgent: userAgent(),
      network: networkOfConfig(config),
    },
    flights: new Flights(),
    successors: new Successors(),
    generations: createGenerations(clock, generationFile),
    random: Math.random,
  };
}

/** `auto` is what Codex's own configuration says in the caller's folder. One that cannot be read must not keep a login from being served. */
function effectiveStore(
  { codexHome, cwd, storage }: SessionPlace,
  log: Log,
): "auto" | "file" | "keyring" | "memory" {
  if (storage !== "auto") return storage;
  try {
    const { value } = loadCodexConfig({ codexHome, cwd }).credentialsStore;
    return value === "ephemeral" ? "file" : value;
  } catch (error) {
    log.warn({ event: "codexConfig.unreadable", codexHome, error });
    return "file";
  }
}

function logLogin(log: Log, { attempt, state, error }: LoginChange): void {
  const { flow } = attempt.flow.prompt;
  log.info({ event: "login.changed", loginId: attempt.id, flow, state, code: error?.code });
}

/** Where the kernel does not say who calls, for koffi could not be loaded. */
const PEERS_UNKNOWN =
  "The kernel cannot be asked who calls: the optional package koffi is missing. Only the modes of the socket and its folder keep others out.";

function createPeerReader(): PeerReader | undefined {
  const credentialsOf = openPeerCredentials();
  if (!credentialsOf) return undefined;
  return (descriptor) => {
    const { uid, pid } = credentialsOf(descriptor);
    return { uid, pid, ...processIdentity(pid) };
  };
}

function openAudit({ config, stateFolder, log, clock }: DaemonOptions): AuditFile {
  if (!config.audit) return { record() {}, async close() {} };
  const onFailure = (error: unknown): void => log.warn({ event: "audit.unsaved", error });
  return openAuditFile(join(stateFolder, "audit.jsonl"), { clock, onFailure });
}

function openNotices({ config, log, clock }: DaemonOptions, sessions: Sessions): Notices {
  return createNotices({
    ...{ clock, log, env: process.env },
    sessions: () => sessions.list().map((session) => session.status()),
    hook: config.hookCommand,
    isDesktopTold: config.notify,
  });
}

function auditLogin(audit: AuditFile, { attempt, state, error }: LoginChange): void {
  if (state === "pending") return;
  const subject = { loginId: attempt.id, codexHome: attempt.session.codexHome };
  const decision = state === "loggedIn" ? "allowed" : "refused";
  audit.record({ ...{ caller: null, action: "login/ended", decision }, ...subject, code: error?.code });
}

function factsOf(session: Session): SessionFacts {
  const { state, storageState } = session.status();
  return { state, isUnsaved: storageState === "pending", waiters: session.waiters };
}

async function openRemembered(sessions: Sessions, recordFolder: string, log: Log): Promise<void> {
  for (const codexHome of rememberedHomes(recordFolder).filter((home) => existsSync(home))) {
    try {
      await sessions.open({ codexHome });
    } catch (error) {
      log.warn({ event: "session.notOpened", codexHome, error });
    }
  }
}

/** Our own name and version: upstream's header has its own there. */
function userAgent(): string {
  return `codex-authd/${VERSION} (${platform()} ${release()}; ${arch()})`;
}
