/** How everything is answered on the loopback redirect. */
import type { ServerResponse } from "node:http";
import { LOOPBACK_SERVER } from "./older-login.js";
import { CONTENT_SECURITY_POLICY, type LoopbackPage } from "./pages/layout.js";

/**
 * One answer per connection, since the port goes back as soon as the login is over; kept by no cache; and, as the address
 * of the page holds an authorization code, naming it to nobody.
 */
const HEADERS = {
  "cache-control": "no-store",
  connection: "close",
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "referrer-policy": "no-referrer",
  server: LOOPBACK_SERVER,
  "x-content-type-options": "nosniff",
};

/** An answer that no person is meant to see. */
export interface TextAnswer {
  /** HTTP status. */
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sendPage(response: ServerResponse, { status, html }: LoopbackPage): void {
  send(response, html, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}

export function sendText(response: ServerResponse, { status, text, headers = {} }: TextAnswer): void {
  send(response, text, { status, headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
}

function send(
  response: ServerResponse,
  body: string,
  { status, headers }: { status: number; headers: Readonly<Record<string, string>> },
): void {
  const contentLength = { "content-length": Buffer.byteLength(body) };
  response.writeHead(status, { ...HEADERS, ...headers, ...contentLength }).end(body);
}
