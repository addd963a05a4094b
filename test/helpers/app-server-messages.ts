/** A message without an id; codex-cli 0.169 adds `emittedAtMs`, left out here. */
export interface AppServerNotification {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** `account/read`. */
export interface AccountReadResult {
  readonly account: {
    readonly type: string;
    readonly email?: string | null;
    readonly planType?: string;
    readonly workspaceName?: string | null;
  } | null;
  readonly userId: string | null;
  readonly requiresOpenaiAuth: boolean;
  readonly workspaceRouting: { readonly chatgptAccountId: string; readonly backendOrigin: string } | null;
}

/** `getAuthStatus`. */
export interface AuthStatus {
  readonly authMethod: string | null;
  readonly authToken: string | null;
  readonly requiresOpenaiAuth: boolean | null;
}

/** How a turn ended. */
export interface TurnResult {
  readonly status: "completed" | "interrupted" | "failed" | "inProgress";
  /** The last agent message, `null` without one. */
  readonly text: string | null;
  readonly error: { readonly message: string; readonly codexErrorInfo: unknown } | null;
}

/** An error object of the app-server's JSON-RPC. */
export class AppServerError extends Error {
  override readonly name = "AppServerError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Any message on the wire: JSON-RPC 2.0 without its `jsonrpc` member. */
export interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** What of a turn `turn/completed` tells. */
export interface Turn {
  readonly status: TurnResult["status"];
  readonly error: TurnResult["error"];
  readonly items: readonly { readonly type: string; readonly text?: string }[];
}
