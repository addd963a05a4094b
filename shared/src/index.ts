/** The contract between codex-authd and its callers: types, errors, constants. Nothing here loads zod. */
import type { z } from "zod";
import type { loginChangedEvent, sessionChangedEvent, snapshotEvent } from "./protocol/events.js";
import type { sessionStatus } from "./protocol/session.js";

export {
  AUTH_MODES,
  type AuthMode,
  CHILD_KINDS,
  type ChildKind,
  type CredentialFacts,
  chooseCredential,
  isApiMode,
  type StoredFacts,
} from "./auth-precedence.js";
export {
  CHILD_ENVIRONMENT_VARIABLES,
  type ChildEnvironment,
  type ChildEnvironmentVariable,
  CONTAINER_MARKERS,
  type ContainerMarker,
  childEnvironmentFrom,
  SECRET_VARIABLES,
} from "./child-environment.js";
export { AuthError, type AuthErrorOptions } from "./errors/auth-error.js";
export {
  AUTH_ERRORS,
  type AuthErrorCode,
  CLIENT_ERRORS,
  type ClientErrorCode,
  type ErrorRow,
} from "./errors/codes.js";
export { fromErrorObject, toErrorObject } from "./errors/wire.js";
export {
  JSON_RPC_ERRORS,
  type JsonRpcErrorObject,
  type JsonRpcFailure,
  type JsonRpcId,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcSuccess,
} from "./jsonrpc.js";
export { chooseFlow, type FlowChoice, type LoginWish } from "./login-flow.js";
export {
  checkedSocketPath,
  codexHomePath,
  configPath,
  type Environment,
  logPath,
  SOCKET_PATH_MAX_BYTES,
  socketLockPath,
  socketPaths,
  stateFolder,
} from "./paths.js";
export { canonicalPlanType, PLAN_TYPES, type PlanType } from "./plan-type.js";
export type { MethodName, MethodParams, MethodResult } from "./protocol/methods.js";
export { CLIENT_HEADER, PROTOCOL_HEADER, PROTOCOL_VERSION } from "./protocol/version.js";
export { fingerprint, Redacted } from "./redacted.js";
export { type Clock, type EpochMs, type Seconds, sleep, systemClock, withDeadline } from "./time.js";

export type SessionStatus = z.output<typeof sessionStatus>;
export type SnapshotEvent = z.output<typeof snapshotEvent>;
export type SessionChangedEvent = z.output<typeof sessionChangedEvent>;
export type LoginChangedEvent = z.output<typeof loginChangedEvent>;
