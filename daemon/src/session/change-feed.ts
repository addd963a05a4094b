import type { LoginChangedEvent, SessionChangedEvent, SnapshotEvent } from "@codex-authd/shared";
import type { Generations } from "./generations.js";
import type { LoginChange } from "./logins.js";
import { endsWithDaemon } from "./refusals.js";
import type { Session } from "./session.js";
import type { Change } from "./stored-state.js";

export type FeedEvent =
  | { readonly name: "session/changed"; readonly generation: number; readonly data: SessionChangedEvent }
  | { readonly name: "login/changed"; readonly generation: number; readonly data: LoginChangedEvent };

/** Everything that changes, for whoever subscribes. Listeners are called synchronously, so a snapshot leaves no gap. */
export class ChangeFeed {
  readonly #listeners = new Set<(event: FeedEvent) => void>();
  readonly #sessions: () => readonly Session[];
  readonly #generations: Generations;

  constructor(sessions: () => readonly Session[], generations: Generations) {
    this.#sessions = sessions;
    this.#generations = generations;
  }

  snapshot(): SnapshotEvent {
    return {
      generation: this.#generations.current(),
      sessions: this.#sessions().map((session) => session.status()),
    };
  }

  /** Calls `listener` at every change until the returned function is called. */
  subscribe(listener: (event: FeedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  sessionChanged(session: Session, { cause, previousAccount }: Change): void {
    const data = { cause, session: session.status(), previousAccount };
    this.#publish({ name: "session/changed", generation: session.generation, data });
  }

  /** Tells of each login that is in memory only that it ends now. */
  daemonStopping(): void {
    for (const session of this.#sessions()) if (session.endsWithDaemon) this.#sessionEnding(session);
  }

  loginChanged({ attempt, state, error }: LoginChange): void {
    const { id: loginId, session, flow } = attempt;
    const data = {
      loginId,
      codexHome: session.codexHome,
      flow: flow.prompt.flow,
      state,
      code: error?.code ?? null,
      message: error?.message ?? null,
    };
    this.#publish({ name: "login/changed", generation: this.#generations.next(), data });
  }

  #sessionEnding(session: Session): void {
    const generation = this.#generations.next();
    const status = session.status();
    const reason = endsWithDaemon(status.sessionName ?? "default");
    const ended = { ...status, state: "signedOut", reason, generation } as const;
    const data = { cause: "daemonStopping", session: ended, previousAccount: null } as const;
    this.#publish({ name: "session/changed", generation, data });
  }

  #publish(event: FeedEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
