/** The HTTP server under fastify: every bound of rpc/limits.ts that Node enforces, and an answer for bytes that are no HTTP. */
import { createServer, type RequestListener, type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { COMMON_HEADERS, TEXT } from "./answers.js";
import type { RpcLimits } from "./limits.js";

/** Node's code of a parser or time-out error → HTTP status; anything else is 400. */
const STATUS_OF_PARSER_ERROR: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

export function createBoundedServer(listener: RequestListener, limits: RpcLimits): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
      maxHeaderSize: limits.headerMaxBytes,
      // The guard refuses a missing Host, in our own words.
      requireHostHeader: false,
    },
    (request, response) => {
      for (const [name, value] of COMMON_HEADERS) response.setHeader(name, value);
      listener(request, response);
    },
  );
  server.timeout = limits.silenceTimeoutMs;
  server.maxConnections = limits.connectionsMax;
  // Headers over a count would be dropped unseen, an Origin among them. Their size is the bound.
  server.maxHeadersCount = 0;
  server.on("checkExpectation", (_request, response) => {
    for (const [name, value] of COMMON_HEADERS) response.setHeader(name, value);
    response.writeHead(417).end();
  });
  return server;
}

/** Answers what Node's parser gave up on, and hangs up. */
export function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  // Once an answer went out here, another may be half-way, and words of ours would land inside it.
  if (error.code === "ECONNRESET" || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF_PARSER_ERROR[error.code ?? ""] ?? 400;
  const body = `${STATUS_CODES[status]}\n`;
  const headers = [
    ...COMMON_HEADERS,
    ["content-type", TEXT],
    ["content-length", body.length],
    ["connection", "close"],
  ];
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
  socket.destroy();
}
