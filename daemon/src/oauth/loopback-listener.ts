import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@codex-authd/shared";
import { ExpectedRedirect, type PendingRedirect } from "./expected-redirect.js";
import { sendText, type TextAnswer } from "./loopback-answer.js";

/** IPv4 loopback and nothing else: the authorization code is nobody else's business (RFC 8252 §8.3). */
const LOOPBACK_ADDRESS = "127.0.0.1";

const CALLBACK_PATH = "/auth/callback";

const LIMITS = {
  /** A redirect needs 2 KiB, but a browser adds the cookies of everything that was ever served on localhost. */
  maxHeaderSize: 65_536,
  /** Browsers open connections ahead of need; ten seconds later they are taken for dead. */
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  /** How often the two above are looked at. */
  connectionsCheckingInterval: 1_000,
};

/** Some tabs of some browsers. Further connections are closed unread. */
const MAX_CONNECTIONS = 32;

/** A web page's requests carry one of these; a starting Codex CLI's `/cancel` (codex-cli 0.169) carries none. */
const PAGE_HEADER = /^(?:origin|referer|sec-fetch-.*)$/;

export interface LoopbackListenerOptions {
  readonly clock: Clock;
  /** Called when nobody is expected any more and the port has been given back. */
  readonly onClosed: (listener: LoopbackListener) => void;
}

/**
 * HTTP on one port of 127.0.0.1, for all logins that expect a redirect there. It is told apart by `state` whose a
 * response is.
 */
export class LoopbackListener {
  readonly #server: Server;
  readonly #options: LoopbackListenerOptions;
  readonly #expected = new Set<ExpectedRedirect>();
  #port = 0;
  #openAnswers = 0;
  #closed: Promise<void> | undefined;

  constructor(options: LoopbackListenerOptions) {
    this.#options = options;
    this.#server = createServer(LIMITS, (request, response) => this.#serve(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  get port(): number {
    return this.#port;
  }

  /**
   * @param port 0 lets the system choose
   * @throws the system's error, such as EADDRINUSE
   */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: LOOPBACK_ADDRESS, port, exclusive: true }, () => {
        this.#server.off("error", reject);
        this.#port = (this.#server.address() as AddressInfo).port;
        // A connection that cannot be accepted (no descriptor left) is no reason to fall.
        this.#server.on("error", () => {});
        resolve();
      });
    });
  }

  expect(state: string, redirectHost: string): PendingRedirect {
    const redirect = new ExpectedRedirect({
      state,
      redirectUri: `http://${redirectHost}:${this.#port}${CALLBACK_PATH}`,
      clock: this.#options.clock,
      onClosed: (closed) => this.#forget(closed),
    });
    this.#expected.add(redirect);
    return redirect;
  }

  /** Gives the port back at once; resolves when every answer is out. */
  close(): Promise<void> {
    for (const redirect of this.#expected) redirect.close();
    return this.#giveBack();
  }

  #forget(redirect: ExpectedRedirect): void {
    this.#expected.delete(redirect);
    if (this.#expected.size === 0) this.#giveBack();
  }

  #giveBack(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#options.onClosed(this);
      this.#cutIdleConnections();
    });
    return this.#closed;
  }

  /** Silent connections would keep the server open until they time out. */
  #cutIdleConnections(): void {
    if (this.#closed !== undefined && this.#openAnswers === 0) this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#openAnswers += 1;
    response.once("close", () => {
      this.#openAnswers -= 1;
      this.#cutIdleConnections();
    });
    const answer = this.#route(request, response);
    if (answer !== undefined) sendText(response, answer);
  }

  /** What to answer at once; `undefined` when a login has taken the request and will answer it. */
  #route(request: IncomingMessage, response: ServerResponse): TextAnswer | undefined {
    const target = request.url ?? "";
    // Another Host is DNS rebinding: a web page under a name that was pointed here.
    if (!this.#isOwnHost(request.headers.host) || !target.startsWith("/")) {
      return { status: 400, text: "Bad Request" };
    }
    if (request.method !== "GET") {
      return { status: 405, text: "Method Not Allowed", headers: { allow: "GET" } };
    }
    const url = new URL(`http://${LOOPBACK_ADDRESS}:${this.#port}${target}`);
    if (url.pathname === CALLBACK_PATH) return this.#receive(url, response);
    if (url.pathname === "/cancel") return this.#cancel(request);
    return { status: 404, text: "Not Found" };
  }

  #isOwnHost(host: string | undefined): boolean {
    const names = [`localhost:${this.#port}`, `${LOOPBACK_ADDRESS}:${this.#port}`];
    return host !== undefined && names.includes(host.toLowerCase());
  }

  #receive(url: URL, response: ServerResponse): TextAnswer | undefined {
    const [state = "", ...further] = url.searchParams.getAll("state");
    const redirect = further.length === 0 ? [...this.#expected].find((one) => one.isFor(state)) : undefined;
    return redirect === undefined ? { status: 400, text: "State mismatch" } : redirect.receive(url, response);
  }

  #cancel(request: IncomingMessage): TextAnswer {
    if (Object.keys(request.headers).some((name) => PAGE_HEADER.test(name))) {
      return { status: 403, text: "Forbidden" };
    }
    for (const redirect of this.#expected) redirect.cancel();
    return { status: 200, text: "Login cancelled" };
  }
}
