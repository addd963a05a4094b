/**
 * The messages of `codex app-server` that this library speaks (codex-cli 0.169): JSON-RPC 2.0 without its `jsonrpc` member.
 * `test/app-server/upstream-types.test.ts` holds them against what the installed binary says of itself.
 */

/** Who hosts the app-server. `name` becomes the `originator` of its requests. */
export interface ClientInfo {
  readonly name: string;
  readonly title: string | null;
  readonly version: string;
}

export interface InitializeParams {
  readonly clientInfo: ClientInfo;
  readonly capabilities: { readonly experimentalApi: boolean; readonly requestAttestation: boolean } | null;
}

export interface InitializeResult {
  readonly userAgent: string;
  readonly codexHome: string;
  readonly platformFamily: string;
  readonly platformOs: string;
}

/** Tokens that the host keeps fresh and that the app-server never stores; needs `experimentalApi`. */
export interface ExternalTokens {
  readonly accessToken: string;
  readonly chatgptAccountId: string;
  /** `null`: what the token's claims say. */
  readonly chatgptPlanType: string | null;
}

export interface LoginCompleted {
  /** `null` for external tokens. */
  readonly loginId: string | null;
  readonly success: boolean;
  readonly error: string | null;
}

/** Asked by the app-server after a 401; the answer is {@link ExternalTokens}. */
export interface RefreshTokensParams {
  readonly reason: string;
  readonly previousAccountId?: string | null;
}

export interface Account {
  readonly type: string;
  readonly email?: string | null;
  readonly planType?: string;
}

/** Requests to the app-server whose shape is known; any other method may be sent as well. */
export interface AppServerMethods {
  readonly "account/login/start": {
    readonly params: { readonly type: "chatgptAuthTokens" } & ExternalTokens;
    readonly result: { readonly type: string };
  };
  readonly "account/read": {
    readonly params: { readonly refreshToken?: boolean };
    readonly result: { readonly account: Account | null; readonly requiresOpenaiAuth: boolean };
  };
  readonly getAuthStatus: {
    readonly params: { readonly includeToken: boolean | null; readonly refreshToken: boolean | null };
    readonly result: {
      readonly authMethod: string | null;
      readonly authToken: string | null;
      readonly requiresOpenaiAuth: boolean | null;
    };
  };
  readonly initialize: { readonly params: InitializeParams; readonly result: InitializeResult };
}

export type KnownMethod = keyof AppServerMethods;

/** Params of a known method, or anything that JSON has. */
export type ParamsOf<M extends string> = M extends KnownMethod ? AppServerMethods[M]["params"] : object;

/** Result of a known method; `unknown` of any other. */
export type ResultOf<M extends string> = M extends KnownMethod ? AppServerMethods[M]["result"] : unknown;

/** Server request that asks for fresh external tokens. */
export const REFRESH_TOKENS = "account/chatgptAuthTokens/refresh";

export const LOGIN_START = "account/login/start";
export const LOGIN_COMPLETED = "account/login/completed";
export const LOGOUT = "account/logout";

export type MessageId = string | number;

/** Any message. A request has a method and an id, a notification a method alone, a response an id alone. */
export interface Message {
  readonly id?: MessageId;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** An error response of the app-server, or one that a handler of ours answers it with; Codex shows only the number. */
export class AppServerError extends Error {
  override readonly name = "AppServerError";
  /** JSON-RPC error number. */
  readonly code: number;

  constructor(code: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The message that a text holds; `undefined` for anything that is no object. */
export function parseMessage(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
