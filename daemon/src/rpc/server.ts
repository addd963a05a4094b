/**
 * The daemon's face: HTTP over a Unix-domain socket. This folder owns what callers may send, how much of it, and the shape
 * of every answer; it knows no session, no disk and no issuer, and never listens by itself (lifecycle/listen.ts does).
 */
import type { Server } from "node:http";
import { type Clock, toErrorObject } from "@codex-authd/shared";
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from "fastify";
import type { Log } from "../log.js";
import type { RenderedMetrics } from "../metrics/metrics.js";
import { type Activity, countActivity } from "./activity.js";
import { internalError, invalidRequest, sendError, TEXT } from "./answers.js";
import type { Audit } from "./audit.js";
import { originFrom } from "./call-context.js";
import { type Callers, createCallers, type PeerReader } from "./caller.js";
import { createDispatcher } from "./dispatch.js";
import { addEventsRoute } from "./events.js";
import { refusalOf } from "./guard.js";
import type { EventSource, Handlers } from "./handlers.js";
import { addHealthRoute } from "./health.js";
import { createBoundedServer, refuseMalformed } from "./http-server.js";
import { RPC_LIMITS, type RpcLimits } from "./limits.js";
import { addMetricsRoute } from "./metrics.js";
import { addRpcRoute } from "./rpc-route.js";
import { addTokenRoute } from "./token-route.js";

export interface RpcServerOptions {
  readonly handlers: Handlers;
  readonly events: EventSource;
  readonly log: Log;
  readonly metrics: RenderedMetrics;
  readonly audit: Audit;
  /** Asks the kernel who calls; undefined where it cannot be asked. */
  readonly readPeer: PeerReader | undefined;
  /** Who is served, beside root. Default: who runs this process. */
  readonly ownUid?: number | undefined;
  readonly clock: Clock;
  /** Version of the daemon, shown by /healthz. */
  readonly version: string;
  /** Bounds other than {@link RPC_LIMITS}. */
  readonly limits?: Partial<RpcLimits>;
}

export interface RpcServer extends Activity {
  /** To be listened on once {@link RpcServer.ready} has resolved. */
  readonly server: Server;
  ready(): Promise<void>;
  /**
   * Asks callers to hang up after their answer, and ends the event streams once `lastWords` were spoken. Calls in flight
   * go on.
   */
  close(lastWords?: Promise<void>): Promise<void>;
}

export function createRpcServer(options: RpcServerOptions): RpcServer {
  const { handlers, events, log, metrics, audit, clock, version } = options;
  const limits = { ...RPC_LIMITS, ...options.limits };
  const callers = createCallers(options.readPeer, options.ownUid ?? process.geteuid?.());
  const app = createApp(limits);
  addGuard(app, callers, audit);
  const dispatcher = createDispatcher({ handlers, log, metrics, audit, limits, version });
  const calls = { dispatcher, originOf: originFrom(callers), limits };
  const activity = countActivity(app, clock);
  addErrorAnswers(app, log, limits);
  addRpcRoute(app, calls);
  addTokenRoute(app, calls);
  addHealthRoute(app, version);
  addMetricsRoute(app, metrics.render);
  const streams = addEventsRoute(app, { events, clock, limits });

  let isClosing = false;
  app.addHook("onSend", (_request, reply, _payload, done) => {
    if (isClosing) reply.header("connection", "close");
    done();
  });

  return {
    server: app.server,
    async ready() {
      await app.ready();
    },
    idleSinceMs: activity.idleSinceMs,
    async close(lastWords) {
      isClosing = true;
      await lastWords;
      streams.close();
      await app.close();
    },
  };
}

function createApp(limits: RpcLimits): FastifyInstance {
  const app: FastifyInstance = fastify({
    serverFactory: (listener) => createBoundedServer(listener, limits),
    clientErrorHandler: refuseMalformed,
    frameworkErrors: refuseUrl,
    bodyLimit: limits.bodyMaxBytes,
    exposeHeadRoutes: false,
    return503OnClosing: false,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) =>
    done(null, body),
  );
  return app;
}

/** Whom it refuses is answered before anything of the request is read, and leaves a trace. */
function addGuard(app: FastifyInstance, callers: Callers, audit: Audit): void {
  app.addHook("onRequest", (request, reply, done) => {
    const refusal = callers.refusalOf(request.raw) ?? refusalOf(request.headers);
    if (!refusal) return done();
    const caller = callers.of(request.raw);
    audit.record({ caller, action: "connect", decision: "refused", code: refusal.code });
    sendError(request, reply, { status: 403, error: toErrorObject(refusal) });
  });
}

/** A path that cannot be decoded, such as `/%`. */
function refuseUrl(_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  reply.code(400).type(TEXT).send("Bad Request\n");
}

function addErrorAnswers(app: FastifyInstance, log: Log, limits: RpcLimits): void {
  app.setNotFoundHandler((_request, reply) => reply.code(404).type(TEXT).send("Not Found\n"));
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      log.error({ event: "call.failed", error });
      return sendError(request, reply, { status: 500, error: internalError() });
    }
    // The rest of such a body is not worth reading.
    reply.header("connection", "close");
    return sendError(request, reply, { status, error: invalidRequest(complaint(status, limits)) });
  });
}

function complaint(status: number, limits: RpcLimits): string {
  if (status === 413) return `the body is larger than ${limits.bodyMaxBytes} bytes`;
  if (status === 415) return "the content-type is not application/json";
  return "the body could not be read";
}
