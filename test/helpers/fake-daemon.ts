import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  AuthError,
  type MethodName,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  type SessionStatus,
  toErrorObject,
} from "@codex-authd/shared";

type Handler = (params: Record<string, unknown>) => unknown;

/** A call that the daemon was asked: the method, or the path of a GET. */
export interface FakeCall {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly request: IncomingMessage;
}

/** A daemon that answers what it is told to. */
export interface FakeDaemon extends AsyncDisposable {
  readonly socketPath: string;
  readonly folder: string;
  /** An environment that leads here and nowhere else. */
  readonly env: Record<string, string>;
  readonly calls: readonly FakeCall[];
  /** Answers per method; an AuthError that is thrown crosses as one. May be changed at any time. */
  readonly handlers: Partial<Record<MethodName, Handler>>;
  /** Sees each request first; true when it has answered. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Protocol version in the header; `undefined` leaves it out. */
  protocol: string | undefined;
  /** Connections that were ever made. */
  connectionCount(): number;
  /** How often `method` was called. */
  count(method: MethodName): number;
  close(): Promise<void>;
}

export async function createFakeDaemon(handlers: FakeDaemon["handlers"] = {}): Promise<FakeDaemon> {
  const folder = await mkdtemp(join(tmpdir(), "fake-daemon-"));
  const socketPath = join(folder, "d.sock");
  const calls: FakeCall[] = [];
  let connections = 0;
  const server = createServer((request, response) => listener(daemon, calls)(request, response));
  server.on("connection", () => connections++);
  server.listen(socketPath);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  const daemon: FakeDaemon = {
    socketPath,
    folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, CODEX_AUTHD_SOCKET: socketPath },
    calls,
    handlers,
    intercept: undefined,
    protocol: String(PROTOCOL_VERSION),
    connectionCount: () => connections,
    count: (method) => calls.filter((call) => call.method === method).length,
    close,
    [Symbol.asyncDispose]: close,
  };
  return daemon;
}

/** What `token/get` answers to whoever does not look at more than the token. */
export const TOKEN = {
  accessToken: "eyJ.token",
  expiresAtMs: null,
  accountId: null,
  planType: null,
  generation: 1,
};

/** A daemon with a login, for commands that only ask for it. */
export function createLoggedInDaemon(): Promise<FakeDaemon> {
  return createFakeDaemon({ "token/get": () => TOKEN, "session/status": () => sessionStatus() });
}

/** What `login/begin` answers where there is no display; valid for a minute. */
export function pendingDeviceLogin() {
  return {
    loginId: "00000000-0000-4000-8000-000000000001",
    codexHome: "/h",
    expiresAtMs: Date.now() + 60_000,
    reason: "there is no display",
    warnings: [],
    fallback: null,
    flow: "device",
    verificationUri: "https://auth.openai.com/codex/device",
    userCode: "ABCD-12345",
  };
}

/** A session that is logged in, valid for an hour after 2026-11-22T12:00:00Z. */
export function sessionStatus(changes: Partial<SessionStatus> = {}): SessionStatus {
  const nowMs = Date.parse("2026-11-22T12:00:00Z");
  return {
    codexHome: "/home/ada/.codex",
    storage: "file",
    sessionName: null,
    state: "active",
    reason: null,
    generation: 7,
    authMode: "chatgpt",
    accountId: "acc-1",
    email: "ada@example.com",
    planType: "plus",
    issuer: "https://auth.openai.com",
    network: {
      caCertificateFile: null,
      caCertificateSource: null,
      proxy: null,
      proxySource: null,
      noProxy: null,
    },
    flow: "browser",
    expiresAtMs: nowMs + 3_600_000,
    lastRefreshAtMs: nowMs - 600_000,
    nextRefreshAtMs: nowMs + 1_800_000,
    refreshInFlight: false,
    storageState: "stored",
    lastError: null,
    warnings: [],
    ...changes,
  };
}

function listener(daemon: FakeDaemon, calls: FakeCall[]): RequestListener {
  return async (request, response) => {
    if (daemon.protocol !== undefined) response.setHeader(PROTOCOL_HEADER, daemon.protocol);
    if (daemon.intercept?.(request, response)) return;
    if (request.method === "GET") return answerToken(daemon, calls, { request, response });
    const { method, params, id } = JSON.parse(await text(request));
    calls.push({ method, params, request });
    const outcome = await run(daemon.handlers[method as MethodName], params);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }));
  };
}

async function answerToken(
  daemon: FakeDaemon,
  calls: FakeCall[],
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const params = Object.fromEntries(url.searchParams);
  calls.push({ method: url.pathname, params, request });
  const outcome = await run(daemon.handlers["token/get"], params);
  response.setHeader("content-type", "text/plain");
  if ("error" in outcome) {
    response.setHeader("codex-authd-error", outcome.error.data?.code ?? "");
    response.statusCode = 409;
    response.end(`${outcome.error.message}\n`);
  } else {
    response.end(`${(outcome.result as { accessToken: string }).accessToken}\n`);
  }
}

type Outcome = { result: unknown } | { error: ReturnType<typeof toErrorObject> };

async function run(handler: Handler | undefined, params: Record<string, unknown>): Promise<Outcome> {
  if (!handler) return { error: { code: -32601, message: "Method not found" } };
  try {
    return { result: await handler(params) };
  } catch (error) {
    if (error instanceof AuthError) return { error: toErrorObject(error) };
    throw error;
  }
}
