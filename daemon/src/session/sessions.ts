/** All sessions of the daemon, by the real place of their store, and the one timer that looks at them. */
import { AuthError, type Clock } from "@codex-authd/shared";
import { resolveCodexHome, type SessionSelector } from "../codex/codex-home.js";
import type { ConfigPlace } from "../codex/config-layers.js";
import type { GrantStorage } from "../storage/grant-storage.js";
import type { SessionRecord } from "../storage/session-record.js";
import type { SessionContext } from "./context.js";
import { Session } from "./session.js";
import type { Change } from "./stored-state.js";

/** How often every session is looked at: suspend and clock jumps are noticed within two looks. */
const LOOK_MS = 1_000;

/** A timer that is off by more tells of a suspended machine or a clock that was set. */
const CLOCK_TOLERANCE_MS = 2_000;

/** Each session costs a watched folder; nobody has this many Codex homes. */
const SESSIONS_MAX = 1_000;

/** Where a session is kept. */
export interface SessionPlace extends ConfigPlace {
  readonly storage: "auto" | "file" | "memory";
  /** Of a memory session. */
  readonly sessionName: string;
}

export interface SessionsOptions {
  readonly context: SessionContext;
  /** Codex home of the default session: whose caller names none. */
  readonly defaultCodexHome: string;
  readonly openStorage: (place: SessionPlace) => GrantStorage;
  readonly openRecord: (storage: GrantStorage, codexHome: string) => SessionRecord;
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

  /** True while one of them has something under way, or holds what would be lost if the daemon left. */
  get needDaemon(): boolean {
    return this.list().some((session) => session.needsDaemon);
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

  /**
   * The Codex home of a caller.
   * @throws AuthError ERR_CONFIG_INVALID
   */
  codexHomeOf(selector: SessionSelector): string {
    return resolveCodexHome(selector, this.#options.defaultCodexHome);
  }

  /**
   * Where Codex's configuration is looked for on behalf of a caller.
   * @throws AuthError ERR_CONFIG_INVALID
   */
  configPlaceOf(selector: SessionSelector): ConfigPlace {
    return { codexHome: this.codexHomeOf(selector), cwd: selector.childEnvironment?.cwd };
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
    return { ...this.configPlaceOf(selector), storage, sessionName };
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
    const record = openRecord(storage, codexHome);
    const name = storage.kind === "memory" ? sessionName : null;
    try {
      return await Session.open({ codexHome, name, storage, record, context, onChange });
    } catch (error) {
      record.close();
      throw error;
    }
  }

  #look(clock: Clock): () => void {
    const dueAtMs = clock.now() + LOOK_MS;
    return clock.setTimer(LOOK_MS, () => {
      this.#selected.clear();
      const isClockJump = Math.abs(clock.now() - dueAtMs) > CLOCK_TOLERANCE_MS;
      for (const session of this.#opened) {
        if (isClockJump) session.clockJumped();
        session.tick();
      }
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
