import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Test } from "tap";

/** A request as it came over the wire. */
export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  /** Names as spelled on the wire, in their order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface CannedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: unknown;
}

export interface CannedServer {
  /** Without a trailing slash. */
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
}

/** Answers each request with the next of `answers`, and further ones with the last, until the test is over. */
export async function startCannedServer(t: Test, answers: readonly CannedAnswer[]): Promise<CannedServer> {
  const requests: ReceivedRequest[] = [];
  const server = createServer(async (message, response) => {
    const { method = "", url = "", rawHeaders } = message;
    const headers = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""] as const] : [],
    );
    requests.push({ method, target: url, headers, body: await text(message) });
    answer(response, answers[Math.min(requests.length, answers.length) - 1] ?? {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function answer(response: ServerResponse, { status = 200, headers = {}, body = "" }: CannedAnswer): void {
  response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
}
