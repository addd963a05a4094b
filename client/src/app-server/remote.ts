/** An app-server that somebody else runs, over a WebSocket: `ws://`, `wss://`, or `unix://` and the path of its socket. */
import { once } from "node:events";
import { rootCertificates } from "node:tls";
import { type Clock, systemClock } from "@codex-authd/shared";
import { type RawData, WebSocket } from "ws";
import { ClientError } from "../client-error.js";
import type { AppServer } from "./app-server.js";
import { attachUnderLogin } from "./attach.js";
import type { AppServerEnd, Channel, ChannelHandlers } from "./channel.js";
import { type HostOptions, isExternal } from "./connect-options.js";

export interface RemoteOptions extends HostOptions {
  /** `ws://host:port`, `wss://host`, or `unix:///path/of/the.sock` (codex-cli 0.169 speaks WebSocket on all of them). */
  readonly url: string;
  /** The server's capability token, or a signed bearer token (`--ws-auth`). Default: none. */
  readonly token?: string | undefined;
  /** PEM certificates to trust beside Node's own, for `wss://`. Default: none. */
  readonly ca?: string | undefined;
}

/** A server that is there answers at once. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** As for a child: Codex sends nothing that is longer. */
const MESSAGE_MAX_BYTES = 64 * 1024 * 1024;

/** For the closing handshake; then the connection is cut. */
const CLOSING_GRACE_MS = 5_000;

/**
 * Connects to a running app-server and gives it external tokens. Several clients may be at one server: its requests reach
 * all of them and the first answer counts, so what this client has no handler for it leaves unanswered.
 * @throws TypeError without external tokens: a login in the server's own Codex home is for whoever runs it
 * @throws AuthError, AppServerError and ClientError as `connectAppServer`; ERR_APP_SERVER_NOT_STARTED when nobody
 *   answers at `url`, or the token is refused
 */
export async function connectRemoteAppServer(options: RemoteOptions): Promise<AppServer> {
  assertExternal(options);
  const address = addressOf(options.url);
  return attachUnderLogin(options, () => dial(address, options));
}

function assertExternal({ oauth = {} }: RemoteOptions): void {
  if (isExternal(oauth)) return;
  throw new TypeError(
    "A remote app-server cannot be connected to in persistent mode: its login is in a Codex home on its own machine, which " +
      'this one cannot ensure. Use `oauth: { storage: "memory" }` or `mode: "external"`.',
  );
}

/** @throws TypeError for another scheme */
function addressOf(url: string): string {
  if (/^wss?:\/\/./.test(url)) return url;
  const [, path] = /^unix:\/\/(\/.+)$/.exec(url) ?? [];
  if (path) return `ws+unix://${path}:/`;
  throw new TypeError("The address of an app-server is ws://…, wss://… or unix:///path/of/the.sock.");
}

async function dial(
  address: string,
  { url, token, ca, clock = systemClock, signal }: RemoteOptions,
): Promise<Channel> {
  signal?.throwIfAborted();
  const socket = new WebSocket(address, {
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxPayload: MESSAGE_MAX_BYTES,
    perMessageDeflate: false,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
  });
  const channel = new RemoteChannel(socket, clock);
  try {
    await once(socket, "open", { signal });
  } catch (cause) {
    socket.terminate();
    signal?.throwIfAborted();
    throw notReached(url, cause);
  }
  return channel;
}

class RemoteChannel implements Channel {
  readonly isShared = true;
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #ended: Promise<AppServerEnd>;
  #isClosing = false;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#ended = this.#watch();
  }

  open({ onText, onEnd }: ChannelHandlers): void {
    this.#socket.on("message", (data: RawData) => onText(data.toString()));
    void this.#ended.then(onEnd);
  }

  send(text: string): Promise<void> {
    // An error is the end of the connection, which is reported as such.
    return new Promise((resolve) => this.#socket.send(text, () => resolve()));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.resume();
    this.#socket.close();
    const cancel = this.#clock.setTimer(CLOSING_GRACE_MS, () => this.#socket.terminate());
    await this.#ended;
    cancel();
  }

  #watch(): Promise<AppServerEnd> {
    let failure = "";
    this.#socket.on("error", (error) => {
      failure = `: ${error.message}`;
    });
    return new Promise((resolve) => {
      this.#socket.once("close", (code) => {
        const byItself = `The connection to the app-server ended (WebSocket code ${code}${failure}). Connect again.`;
        const message = this.#isClosing ? "The connection to the app-server was closed." : byItself;
        resolve({ message, exitCode: null, signal: null, stderr: "" });
      });
    });
  }
}

function notReached(url: string, cause: unknown): ClientError {
  const words = cause instanceof Error ? cause.message : String(cause);
  const isRefused = /\b40[13]\b/.test(words);
  const cure = isRefused
    ? "Give the server's `token`, as its --ws-auth asks for."
    : "Start it with `codex app-server --listen`, or correct the address.";
  return new ClientError(
    "ERR_APP_SERVER_NOT_STARTED",
    `No app-server took the connection at ${withoutQuery(url)} (${words}). ${cure}`,
    { cause },
  );
}

/** A query may hold a secret. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, "").replace(/\/\/[^/@]*@/, "//");
}
