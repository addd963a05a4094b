/** All sessions of the daemon, by the real place of their store, and the one timer that looks at them. */
import { AuthError, type Clock } from "@codex-authd/shared";
import { resolveCodexHome, type SessionSelector } from "../codex/codex-home.js";
import type { GrantStorage } from "../storage/grant-storage.js";
import { createVolatileRecord, type SessionRecord } from "../storage/session-record.js";
import type { SessionContext } from "./context.js";
import { Session } from "./session.js";
import type { Change } from "./stored-state.js";

/** How often every session is looked at: suspend and clock jumps are noticed within two looks. */
const LOOK_MS = 1_000;

/** Each session costs a watched folder; nobody has this many Codex homes. */
const SESSIONS_MAX = 1_000;

/** Where a session is kept. */
export interface SessionPlace {
  readonly codexHome: string;
  readonly storage: "auto" | "file" | "memory";
  /** Of a memory session. */
  readonly sessionName: string;
}

export interface SessionsOptions {
  readonly context: SessionContext;
  /** Codex home of the default session: whose caller names none. */
  readonly defaultCodexHome: string;
  readonly openStorage: (place: SessionPlace) => GrantStorage;
  readonly openRecord: (place: { location: string; codexHome: string }) => SessionRecord;
  readonly onChange: (session: Session, change: Change) => void;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #opened = new Set<Session>();
  /** What callers meant, until the next look: a token is answered without touching the disk. */
  readonly #selected = new Map<string, Promise<Session>>();
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
    const key = JSON.stringify(selector);
    const selected = this.#selected.get(key) ?? this.#openAt(this.#placeOf(selector));
    this.#selected.set(key, selected);
    return selected;
  }

  /** Stops the timer and the watching, and waits for exchanges in flight: a spent token must be stored. */
  async close(): Promise<void> {
    this.#stopLooking();
    const opened = await Promise.allSettled(this.#sessions.values());
    await Promise.all(
      opened.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)),
    );
  }

  #placeOf(selector: SessionSelector): SessionPlace {
    const { storage = "auto", sessionName = "default" } = selector;
    return { codexHome: resolveCodexHome(selector, this.#options.defaultCodexHome), storage, sessionName };
  }

  #openAt(place: SessionPlace): Promise<Session> {
    const storage = this.#options.openStorage(place);
    const { location } = storage;
    const known = this.#sessions.get(location);
    if (known) return known;
    if (this.#sessions.size >= SESSIONS_MAX) throw tooManySessions();
    const opening = this.#openOn(storage, place);
    this.#sessions.set(location, opening);
    opening.then(
      (session) => this.#opened.add(session),
      () => this.#sessions.delete(location),
    );
    return opening;
  }

  async #openOn(storage: GrantStorage, { codexHome, sessionName }: SessionPlace): Promise<Session> {
    const { context, openRecord, onChange } = this.#options;
    const { location, kind } = storage;
    const record = kind === "memory" ? createVolatileRecord(location) : openRecord({ location, codexHome });
    const name = kind === "memory" ? sessionName : null;
    return Session.open({ codexHome, name, storage, record, context, onChange });
  }

  #look(clock: Clock): () => void {
    return clock.setTimer(LOOK_MS, () => {
      this.#selected.clear();
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
