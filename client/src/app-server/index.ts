/** `@codex-authd/client/app-server`: `codex app-server` processes that share one login. */
export { AppServer } from "./app-server.js";
export type { AuthFailure } from "./auth-failure.js";
export type { AppServerEnd } from "./channel.js";
export { connectAppServer } from "./connect.js";
export type { ConnectOptions, HostOptions, OAuthOptions } from "./connect-options.js";
export type { ConnectionEvents, Notification, RequestHandler, RequestOptions } from "./connection.js";
export {
  type Account,
  AppServerError,
  type AppServerMethods,
  type ClientInfo,
  type ExternalTokens,
  type InitializeResult,
  type ParamsOf,
  type RefreshTokensParams,
  type ResultOf,
} from "./messages.js";
export { connectRemoteAppServer, type RemoteOptions } from "./remote.js";
