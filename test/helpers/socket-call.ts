import { type OutgoingHttpHeaders, request } from "node:http";
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
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath,
        method: "POST",
        path: "/v1/rpc",
        agent: false,
        headers: { host: "localhost", "content-type": "application/json", ...headers },
      },
      (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
      },
    );
    call.once("error", reject).end(body);
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
