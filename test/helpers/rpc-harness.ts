/** The daemon's RPC server on a real Unix-domain socket, with handlers that a test chooses. */
import { once } from "node:events";
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Clock, type JsonRpcResponse, systemClock } from "@codex-authd/shared";
import type { Log, LogFields } from "#daemon/log.js";
import type { AuditEntry } from "#daemon/rpc/audit.js";
import type { Caller, PeerReader } from "#daemon/rpc/caller.js";
import type { DaemonEvent, EventSource, Handlers } from "#daemon/rpc/handlers.js";
import type { RpcLimits } from "#daemon/rpc/limits.js";
import { createRpcServer, type RpcServer } from "#daemon/rpc/server.js";
import { temporaryFolder } from "./temp-folder.js";
import { unreadMetrics } from "./unread-metrics.js";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RpcHarness {
  readonly socketPath: string;
  readonly rpc: RpcServer;
  readonly log: LogFields[];
  readonly audited: AuditEntry[];
  readonly events: FakeEvents;
  /** One HTTP request on a connection of its own. */
  send(options: {
    method?: string;
    path: string;
    headers?: OutgoingHttpHeaders;
    body?: string;
  }): Promise<Answer>;
  /** POST /v1/rpc with a JSON text, or with a value to be made one. */
  rpcText(body: string): Promise<Answer>;
  call(method: string, params?: unknown): Promise<JsonRpcResponse>;
  /** Writes bytes and answers what came back until the other side hung up. */
  exchange(bytes: string): Promise<string>;
  connect(): Promise<Socket>;
}

export interface RpcHarnessOptions {
  readonly handlers?: Partial<Handlers>;
  readonly limits?: Partial<RpcLimits>;
  readonly clock?: Clock;
  readonly readPeer?: PeerReader;
}

export async function startRpc(
  t: { teardown(fn: () => unknown): void },
  { handlers = {}, limits = {}, clock = systemClock, readPeer }: RpcHarnessOptions = {},
): Promise<RpcHarness> {
  const socketPath = join(temporaryFolder(t), "s");
  const { log, lines } = recordingLog();
  const events = new FakeEvents();
  const audited: AuditEntry[] = [];
  const rpc = createRpcServer({
    handlers: { ...unexpected(), ...handlers },
    events,
    log,
    metrics: unreadMetrics(),
    audit: { record: (entry) => audited.push(entry) },
    readPeer,
    clock,
    version: "1.2.3",
    limits,
  });
  await rpc.ready();
  rpc.server.listen(socketPath);
  t.teardown(async () => {
    rpc.server.close();
    rpc.server.closeAllConnections();
    await rpc.close();
  });
  const send: RpcHarness["send"] = (options) => sendOver(socketPath, options);
  const rpcText = (body: string): Promise<Answer> =>
    send({ method: "POST", path: "/v1/rpc", headers: { "content-type": "application/json" }, body });
  return {
    socketPath,
    rpc,
    log: lines,
    audited,
    events,
    send,
    rpcText,
    async call(method, params) {
      const answer = await rpcText(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
      return JSON.parse(answer.body);
    },
    async connect() {
      const socket = connect(socketPath);
      await once(socket, "connect");
      return socket;
    },
    async exchange(bytes) {
      const socket = connect(socketPath);
      socket.on("error", () => {});
      socket.write(bytes);
      return await text(socket).catch(() => "");
    },
  };
}

/** Events that a test publishes by hand. */
export class FakeEvents implements EventSource {
  readonly listeners = new Set<(event: DaemonEvent) => void>();
  generation = 7;

  snapshot() {
    return { generation: this.generation, sessions: [] };
  }

  subscribe(listener: (event: DaemonEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  publish(event: DaemonEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}

/** A caller of whom nothing is known. */
export const NOBODY: Caller = { uid: null, pid: null, startTicks: null, executable: null, client: null };

export function recordingLog(): { log: Log; lines: LogFields[] } {
  const lines: LogFields[] = [];
  const add = (fields: LogFields): void => void lines.push(fields);
  return { log: { fatal: add, error: add, warn: add, info: add, debug: add, trace: add }, lines };
}

/** A promise that the test settles. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function sendOver(
  socketPath: string,
  { method = "GET", path, headers = {}, body }: Parameters<RpcHarness["send"]>[0],
): Promise<Answer> {
  const call = request({ socketPath, method, path, headers, agent: false });
  call.end(body);
  const [response] = await once(call, "response");
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

function unexpected(): Handlers {
  const refuse = async (): Promise<never> => {
    throw new Error("the test did not expect this call");
  };
  return {
    "daemon/shutdown": refuse,
    "daemon/status": refuse,
    "login/await": refuse,
    "login/begin": refuse,
    "login/cancel": refuse,
    "login/complete": refuse,
    "login/explain": refuse,
    "session/explain": refuse,
    "session/list": refuse,
    "session/logout": refuse,
    "session/refresh": refuse,
    "session/status": refuse,
    "token/get": refuse,
  };
}
