/** JSON-RPC 2.0 as it crosses the socket (https://www.jsonrpc.org/specification). */

export type JsonRpcId = string | number | null;

export interface JsonRpcRequest {
  readonly jsonrpc: "2.0";
  readonly method: string;
  readonly params?: unknown;
  /** Absent in a notification, which is never answered. */
  readonly id?: JsonRpcId;
}

export interface JsonRpcErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: { readonly code?: string; readonly [key: string]: unknown };
}

export interface JsonRpcSuccess {
  readonly jsonrpc: "2.0";
  readonly result: unknown;
  readonly id: JsonRpcId;
}

export interface JsonRpcFailure {
  readonly jsonrpc: "2.0";
  readonly error: JsonRpcErrorObject;
  readonly id: JsonRpcId;
}

export type JsonRpcResponse = JsonRpcSuccess | JsonRpcFailure;

/** The reserved error numbers (specification §5.1). */
export const JSON_RPC_ERRORS = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const;
