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
import type { Caller } from "./caller.js";

/** Where a call comes from. */
export interface CallOrigin {
  /** Aborts when the caller hangs up before it was answered. */
  readonly signal: AbortSignal;
  readonly caller: Caller;
}

/** What a handler knows about its call besides the parameters. */
export interface CallContext extends CallOrigin {
  /** What the call is about, for the audit trail; said as soon as it is known. */
  readonly subject: Subject;
}

/** Filled in by the handler. */
export interface Subject {
  codexHome?: string;
  loginId?: string;
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
