/** What the RPC layer needs from the layers below: one function for each row of METHODS, and a source of events. */
import type {
  LoginChangedEvent,
  MethodName,
  MethodResult,
  SessionChangedEvent,
  SnapshotEvent,
} from "@codex-authd/shared";
import type { METHODS } from "@codex-authd/shared/schema";
import type { z } from "zod";

/** What a handler knows about its call besides the parameters. */
export interface CallContext {
  /** Aborts when the caller hangs up before it was answered. */
  readonly signal: AbortSignal;
}

/** Parameters as validation leaves them. */
export type ValidParams<M extends MethodName> = z.output<(typeof METHODS)[M]["params"]>;

/** A handler throws AuthError for what the caller should know; anything else becomes an internal error without details. */
export type Handlers = {
  readonly [M in MethodName]: (params: ValidParams<M>, context: CallContext) => Promise<MethodResult<M>>;
};

/** One change. `generation` is the daemon's count when it happened. */
export type DaemonEvent = { readonly generation: number } & (
  | { readonly name: "session/changed"; readonly data: SessionChangedEvent }
  | { readonly name: "login/changed"; readonly data: LoginChangedEvent }
);

export interface EventSource {
  /** Everything as of now. */
  snapshot(): SnapshotEvent;
  /** Calls `listener` for every later change, until the returned function is called. */
  subscribe(listener: (event: DaemonEvent) => void): () => void;
}
