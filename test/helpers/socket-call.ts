import { type OutgoingHttpHeaders, type RequestOptions, request } from "node:http";
import { text } from "node:stream/consumers";
import type { JsonRpcFailure } from "@codex-authd/shared";

export interface SocketAnswer {
  readonly status: number;
  readonly body: string;
}

/** POSTs a body to a daemon's `/v1/rpc`, as no client of ours would. */
export function post(
  socketPath: string,
  body: string,
  headers: OutgoingHttpHeaders = {},
): Promise<SocketAnswer> {
  const json = { "content-type": "application/json", ...headers };
  return call({ socketPath, method: "POST", path: "/v1/rpc", headers: json }, body);
}

/** GETs a path, as `curl --unix-socket` does. */
export function get(socketPath: string, path: string): Promise<SocketAnswer> {
  return call({ socketPath, path });
}

function call({ headers, ...options }: RequestOptions, body?: string): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { ...options, agent: false, headers: { host: "localhost", ...headers } },
      (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
      },
    );
    sent.once("error", reject).end(body);
  });
}

/** The error object that a call of JSON-RPC is answered with. */
export async function callError(
  socketPath: string,
  method: string,
  params: unknown,
): Promise<JsonRpcFailure["error"] | undefined> {
  const { body } = await post(socketPath, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
  return JSON.parse(body).error;
}
