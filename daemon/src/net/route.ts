/** The way of one request to its server: a connection of its own, directly or through a proxy. */
import { Socket } from "node:net";
import { buildConnector, Client } from "undici";
import { originFailure, proxyFailure, proxyRefusal } from "./failure-words.js";
import type { HttpFailure } from "./http-failure.js";
import type { HttpProxy } from "./proxy.js";
import type { Way } from "./way.js";

/** A token response has a few kilobytes; more than this is not one, and would only fill the memory. */
const RESPONSE_MAX_BYTES = 1_048_576;

/** A connection that is not there by now will not come. Giving up early costs nothing, for nothing has been sent. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface Route {
  /** Takes one request. */
  readonly client: Client;
  /** The request target: with a proxy for `http://` the whole URL (RFC 9112 §3.2.2). */
  readonly target: string;
  /** What the way adds to the request's own headers. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Prepares the way; nothing is connected yet. Whatever goes wrong before the request is written, the client reports as an
 * {@link HttpFailure} that was not sent. `signal` cuts the connection at any stage.
 */
export function openRoute(way: Way, signal: AbortSignal): Route {
  const { url, proxy, trust } = way;
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    signal,
    secureContext: trust.secureContext,
  });
  const toOrigin = naming(connect, (error) => originFailure(way, error));
  const path = url.pathname + url.search;
  if (!proxy) return { client: clientOf(url.origin, toOrigin), target: path, headers: {} };
  const toProxy = naming(connect, (error) => proxyFailure(way, proxy, error));
  if (url.protocol === "http:") {
    const headers = { host: url.host, ...authorization(proxy) };
    return { client: clientOf(proxy.origin, toProxy), target: url.origin + path, headers };
  }
  return {
    client: clientOf(url.origin, tunnel(way, proxy, { toProxy, toOrigin })),
    target: path,
    headers: {},
  };
}

function clientOf(origin: string, connect: buildConnector.connector): Client {
  return new Client(origin, {
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: RESPONSE_MAX_BYTES,
    connect,
  });
}

/** Makes each error of a connector one that names its stage. undici tries again after some errors, and after none of these. */
function naming(
  connect: buildConnector.connector,
  named: (error: Error) => HttpFailure,
): buildConnector.connector {
  return (options, callback) =>
    connect(options, (error, socket) => (error ? callback(named(error), null) : callback(null, socket)));
}

interface Stages {
  readonly toProxy: buildConnector.connector;
  readonly toOrigin: buildConnector.connector;
}

/** TLS to the server through a connection that the proxy makes (CONNECT, RFC 9110 §9.3.6). */
function tunnel(way: Way, proxy: HttpProxy, { toProxy, toOrigin }: Stages): buildConnector.connector {
  const { hostname, port } = way.url;
  const authority = `${hostname}:${port || 443}`;
  return (options, callback) => {
    const client = new Client(proxy.origin, { headersTimeout: 0, connect: toProxy });
    client.connect({ path: authority, headers: { host: authority, ...authorization(proxy) } }).then(
      ({ socket, statusCode }) => {
        if (statusCode === 200 && socket instanceof Socket)
          return toOrigin({ ...options, httpSocket: socket }, callback);
        socket.on("error", () => {}).destroy();
        callback(proxyRefusal(way, proxy, statusCode), null);
      },
      (error: Error) => callback(proxyFailure(way, proxy, error), null),
    );
  };
}

function authorization({ authorization }: HttpProxy): Record<string, string> {
  return authorization ? { "proxy-authorization": authorization.reveal() } : {};
}
