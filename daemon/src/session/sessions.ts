/** All sessions of the daemon, by the real place of their store, and the one timer that looks at them. */
import { AuthError, type Clock } from "@codex-authd/shared";
import { resolveCodexHome, type SessionSelector } from "../codex/codex-home.js";
import type { GrantStorage } from "../storage/grant-storage.js";
import type { SessionContext } from "./context.js";
import { Session } from "./session.js";
import type { Change } from "./stored-state.js";

/** How often every session is looked at: suspend and clock jumps are noticed within two looks. */
const LOOK_MS = 1_000;

/** Each session costs a watched folder; nobody has this many Codex homes. */
const SESSIONS_MAX = 1_000;

export interface SessionsOptions {
  readonly context: SessionContext;
  /** Codex home of the default session: whose caller names none. */
  readonly defaultCodexHome: string;
  readonly openStorage: (codexHome: string) => GrantStorage;
  readonly onChange: (session: Session, change: Change) => void;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #opened = new Set<Session>();
  #stopLooking: () => void;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#stopLooking = this.#look(options.context.clock);
  }

  /** Sessions that are open, in the order in which they were first named. */
  list(): Session[] {
    return [...this.#opened];
  }

  /**
   * The session that a caller means, opened when it is first named. Two homes that share one real file share it.
   * @throws AuthError ERR_CONFIG_INVALID for a Codex home that cannot be used, ERR_CALLER_REFUSED when too many were named
   */
  open(selector: SessionSelector): Promise<Session> {
    const codexHome = resolveCodexHome(selector, this.#options.defaultCodexHome);
    const storage = this.#options.openStorage(codexHome);
    const known = this.#sessions.get(storage.location);
    if (known) return known;
    if (this.#sessions.size >= SESSIONS_MAX) throw tooManySessions();
    const { context, onChange } = this.#options;
    const opening = Session.open({ codexHome, storage, context, onChange });
    this.#sessions.set(storage.location, opening);
    opening.then(
      (session) => this.#opened.add(session),
      () => this.#sessions.delete(storage.location),
    );
    return opening;
  }

  /** Stops the timer and the watching, and waits for exchanges in flight: a spent token must be stored. */
  async close(): Promise<void> {
    this.#stopLooking();
    const opened = await Promise.allSettled(this.#sessions.values());
    await Promise.all(
      opened.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)),
    );
  }

  #look(clock: Clock): () => void {
    return clock.setTimer(LOOK_MS, () => {
      for (const session of this.#opened) session.tick();
      this.#stopLooking = this.#look(clock);
    });
  }
}

function tooManySessions(): AuthError {
  return new AuthError(
    "ERR_CALLER_REFUSED",
    `The daemon has ${SESSIONS_MAX} sessions open already. Restart it with \`codex-auth daemon stop\` to forget the unused ones.`,
  );
}
