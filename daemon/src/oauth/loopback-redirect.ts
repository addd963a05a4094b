/** Where the browser brings authorization responses to (RFC 8252 §7.3): listeners that live only while a login is pending. */
import { AuthError, type Clock } from "@codex-authd/shared";
import type { PendingRedirect } from "./expected-redirect.js";
import { LoopbackListener } from "./loopback-listener.js";

export type { PendingRedirect, RedirectResponse } from "./expected-redirect.js";
export type { LoopbackPage } from "./pages/layout.js";

export interface ExpectOptions {
  /** Tried in this order; 0 lets the system choose. A port of ours that already listens is shared. */
  readonly ports: readonly number[];
  /** What the redirect URI calls this machine. The listener is on 127.0.0.1 either way. */
  readonly redirectHost: "localhost" | "127.0.0.1";
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

export function createLoopbackRedirects(clock: Clock): LoopbackRedirects {
  return new LoopbackListeners(clock);
}

class LoopbackListeners implements LoopbackRedirects {
  readonly #clock: Clock;
  readonly #listeners = new Set<LoopbackListener>();
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One after the other, so that two logins that begin together share a port instead of racing for it. */
  expect(state: string, options: ExpectOptions): Promise<PendingRedirect> {
    const expected = this.#turn.then(() => this.#expect(state, options));
    this.#turn = expected.catch(() => {});
    return expected;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
  }

  async #expect(state: string, { ports, redirectHost }: ExpectOptions): Promise<PendingRedirect> {
    if (this.#isClosed) {
      throw new AuthError("ERR_LOGIN_CANCELLED", "The daemon is stopping. Run `codex-auth login` again.");
    }
    const shared = [...this.#listeners].find(({ port }) => ports.includes(port) || ports.includes(0));
    const listener = shared ?? (await this.#listen(ports));
    return listener.expect(state, redirectHost);
  }

  async #listen(ports: readonly number[]): Promise<LoopbackListener> {
    const refusals: string[] = [];
    for (const port of ports) {
      const onClosed = (closed: LoopbackListener) => this.#listeners.delete(closed);
      const listener = new LoopbackListener({ clock: this.#clock, onClosed });
      try {
        await listener.listen(port);
        this.#listeners.add(listener);
        return listener;
      } catch (error) {
        refusals.push(`${port} (${reasonOf(error)})`);
      }
    }
    throw new AuthError(
      "ERR_CALLBACK_PORT_IN_USE",
      `The browser login needs a port on 127.0.0.1 and got none: ${refusals.join(", ")}. End the program that holds ` +
        "it (perhaps another `codex login`), choose another with --callback-port, or log in with `codex-auth login --device`.",
    );
  }
}

/** EACCES is a port below 1024, or one that Windows keeps for Hyper-V. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return { EADDRINUSE: "in use", EACCES: "not permitted" }[code] ?? code;
}
