import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

/** What a proxy was asked for. */
export interface ProxiedRequest {
  readonly method: string;
  /** A whole URL, or `host:port` of a CONNECT. */
  readonly target: string;
  readonly authorization: string | undefined;
}

export interface ProxyOptions {
  /** `user:password`; without it anybody may come. */
  readonly credentials?: string;
  /** Status that everything is answered with, instead of being passed on. */
  readonly refusal?: number;
  /** PEM key and certificate: a proxy that is itself reached over TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ProxyServer {
  readonly host: string;
  /** Without a trailing slash, and without credentials. */
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
}

/** A real HTTP proxy on loopback (RFC 9110 §7.6, §9.3.6), until the test is over. */
export async function startProxy(
  t: { teardown(end: () => void): void },
  options: ProxyOptions = {},
): Promise<ProxyServer> {
  const requests: ProxiedRequest[] = [];
  const sockets = new Set<Socket>();
  const admit = (message: IncomingMessage): number | undefined => {
    const { method = "", url = "", headers } = message;
    requests.push({ method, target: url, authorization: headers["proxy-authorization"] });
    return statusFor(message, options);
  };
  const server = options.tls ? createTlsServer(options.tls) : createServer();
  server.on("request", (message: IncomingMessage, response: ServerResponse) => {
    const status = admit(message);
    if (status === undefined) passOn(message, response);
    else response.writeHead(status).end();
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("connect", (message: IncomingMessage, socket: Socket) => {
    const status = admit(message);
    if (status === undefined) sockets.add(tunnel(message.url ?? "", socket));
    else socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `${options.tls ? "https" : "http"}://${host}`, requests };
}

function statusFor({ headers }: IncomingMessage, { credentials, refusal }: ProxyOptions): number | undefined {
  const expected = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
  return expected && headers["proxy-authorization"] !== expected ? 407 : refusal;
}

function passOn(message: IncomingMessage, response: ServerResponse): void {
  const { "proxy-authorization": _kept, ...headers } = message.headers;
  const onward = request(message.url ?? "", { method: message.method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.once("error", () => response.writeHead(502).end());
  message.pipe(onward);
}

function tunnel(authority: string, socket: Socket): Socket {
  const { hostname, port } = new URL(`http://${authority}`);
  const onward = connect(Number(port), hostname, () => socket.write("HTTP/1.1 200 Connected\r\n\r\n"));
  const end = (): void => {
    socket.destroy();
    onward.destroy();
  };
  for (const one of [socket, onward]) one.once("error", end).once("close", end);
  socket.pipe(onward).pipe(socket);
  return onward;
}
