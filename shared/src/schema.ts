/** Subpath `@codex-authd/shared/schema`: what needs zod at run time. */

export { DISCOVER_METHOD, type OpenRpcDocument, openRpcDocument } from "./open-rpc.js";
export { EVENTS } from "./protocol/events.js";
export { LOGIN_AWAIT_MAX_MS } from "./protocol/login.js";
export {
  METHODS,
  type MethodName,
  type MethodParams,
  type MethodResult,
  type Scope,
} from "./protocol/methods.js";
