/** Where the browser brings authorization responses to (RFC 8252 §7.3): listeners that live only while a login is pending. */
import { AuthError, type Clock } from "@codex-authd/shared";
import type { FindPortHolder, PortHolder } from "../net/port-holder.js";
import type { PendingRedirect } from "./expected-redirect.js";
import { LoopbackListener } from "./loopback-listener.js";
import { isCodexAuthd, isInUse, takeOver } from "./older-login.js";

export type { PendingRedirect, RedirectResponse } from "./expected-redirect.js";
export type { LoopbackPage } from "./pages/layout.js";

export interface ExpectOptions {
  /** Tried in this order; 0 lets the system choose. A port of ours that already listens is shared. */
  readonly ports: readonly number[];
  /** What the redirect URI calls this machine. The listener is on 127.0.0.1 either way. */
  readonly redirectHost: "localhost" | "127.0.0.1";
  /** The ports are the ones that Codex logins use: an older login there is asked to end. Default false. */
  readonly takesOver?: boolean;
}

export interface LoopbackRedirects {
  /**
   * Listens for the authorization response with this `state`, until the result is closed.
   * @throws AuthError ERR_CALLBACK_PORT_IN_USE when none of the ports can be had
   */
  expect(state: string, options: ExpectOptions): Promise<PendingRedirect>;
  /** Cancels everybody who waits. Resolves when all ports are given back and all answers are out. */
  close(): Promise<void>;
}

export interface LoopbackRedirectsOptions {
  readonly clock: Clock;
  readonly findHolder: FindPortHolder;
}

export function createLoopbackRedirects(options: LoopbackRedirectsOptions): LoopbackRedirects {
  return new LoopbackListeners(options);
}

class LoopbackListeners implements LoopbackRedirects {
  readonly #clock: Clock;
  readonly #findHolder: FindPortHolder;
  readonly #listeners = new Set<LoopbackListener>();
  readonly #closing = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ clock, findHolder }: LoopbackRedirectsOptions) {
    this.#clock = clock;
    this.#findHolder = findHolder;
  }

  /** One after the other, so that two logins that begin together share a port instead of racing for it. */
  expect(state: string, options: ExpectOptions): Promise<PendingRedirect> {
    const expected = this.#turn.then(() => this.#expect(state, options));
    this.#turn = expected.catch(() => {});
    return expected;
  }

  async close(): Promise<void> {
    this.#closing.abort(
      new AuthError("ERR_LOGIN_CANCELLED", "The daemon is stopping. Run `codex-auth login` again."),
    );
    await this.#turn;
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
  }

  async #expect(state: string, options: ExpectOptions): Promise<PendingRedirect> {
    this.#closing.signal.throwIfAborted();
    const { ports, redirectHost } = options;
    const shared = [...this.#listeners].find(({ port }) => ports.includes(port) || ports.includes(0));
    const listener = shared ?? (await this.#listen(options));
    return listener.expect(state, redirectHost);
  }

  async #listen({ ports, takesOver }: ExpectOptions): Promise<LoopbackListener> {
    const refusals: string[] = [];
    for (const port of ports) {
      try {
        return await (takesOver ? this.#takeOver(port) : this.#listenOn(port));
      } catch (error) {
        this.#closing.signal.throwIfAborted();
        refusals.push(`${port} (${await this.#reasonOf(port, error)})`);
      }
    }
    throw noPort(refusals);
  }

  #takeOver(port: number): Promise<LoopbackListener> {
    const { signal } = this.#closing;
    return takeOver(port, () => this.#listenOn(port), { clock: this.#clock, signal });
  }

  async #listenOn(port: number): Promise<LoopbackListener> {
    const onClosed = (closed: LoopbackListener) => this.#listeners.delete(closed);
    const listener = new LoopbackListener({ clock: this.#clock, onClosed });
    await listener.listen(port);
    this.#listeners.add(listener);
    return listener;
  }

  async #reasonOf(port: number, error: unknown): Promise<string> {
    if (!isInUse(error)) return refusalOf(error);
    const [holder, isOurs] = await Promise.all([this.#findHolder(port), isCodexAuthd(port, this.#clock)]);
    return `in use${holderWords(holder, isOurs)}`;
  }
}

function noPort(refusals: readonly string[]): AuthError {
  const isHeld = refusals.some((refusal) => refusal.includes("in use"));
  const cure = isHeld ? "End the program that holds it, or log" : "Log";
  return new AuthError(
    "ERR_CALLBACK_PORT_IN_USE",
    `The browser login needs a port on 127.0.0.1 and got none: ${refusals.join(", ")}. ${cure} in with ` +
      "`codex-auth login --device`, or choose another port with --callback-port.",
  );
}

function holderWords({ program, uid }: PortHolder = {}, isCodexAuthd: boolean): string {
  const name = isCodexAuthd ? "another codex-authd" : (program?.name ?? "a program");
  const process = program ? `, process ${program.pid}` : "";
  const user = uid === undefined ? "" : ` of user ${uid}`;
  return isCodexAuthd || process || user ? ` by ${name}${user}${process}` : "";
}

/** EACCES is a port below 1024, or one that Windows keeps for Hyper-V. */
function refusalOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return code === "EACCES" ? "not permitted: below 1024, or kept by Windows" : code;
}
