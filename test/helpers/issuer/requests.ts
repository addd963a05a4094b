import type { IncomingMessage } from "node:http";
import type { EndpointName } from "./endpoint.js";

/** A request as it arrived. */
export interface RecordedRequest {
  /** Undefined: no such endpoint, answered with 404. */
  readonly endpoint: EndpointName | undefined;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Names as spelled on the wire, in their order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** When its head arrived, on this machine's clock. */
  readonly atMs: number;
  /** The parameters of query, form or JSON body, in their order; undefined where the body is neither. */
  readonly fields: readonly (readonly [string, unknown])[] | undefined;
  /** The same, by name: the last one wins. */
  readonly parsed: Readonly<Record<string, unknown>>;
  /** The status that was answered; undefined for a request without an answer (yet). */
  status?: number;
}

/** Reads the whole body and records the request. */
export async function readRequest(
  message: IncomingMessage,
  endpoint: EndpointName | undefined,
): Promise<RecordedRequest> {
  const atMs = Date.now();
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return recordRequest(message, { endpoint, atMs, body: Buffer.concat(chunks).toString("utf8") });
}

/** Records a request whose body is known, or was left unread (''). */
export function recordRequest(
  message: IncomingMessage,
  known: { endpoint: EndpointName | undefined; atMs: number; body: string },
): RecordedRequest {
  const { pathname, search } = targetOf(message);
  const headers = pairsOf(message.rawHeaders);
  const fields = parseFields(message, search, known.body);
  const parsed = Object.fromEntries(fields ?? []);
  return { ...known, method: message.method ?? "", path: pathname, query: search, headers, fields, parsed };
}

/** The path and query that a request names. */
export function targetOf(message: IncomingMessage): URL {
  return new URL(message.url ?? "/", "http://issuer.invalid");
}

/** The value of a header, or '' when it is absent. */
export function headerOf(request: RecordedRequest, name: string): string {
  return request.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
}

/** A parameter as text, or '' when it is absent or something else. */
export function textOf(request: RecordedRequest, name: string): string {
  const value = request.parsed[name];
  return typeof value === "string" ? value : "";
}

function pairsOf(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    pairs.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  return pairs;
}

function parseFields(message: IncomingMessage, search: string, body: string) {
  if (message.method === "GET") return [...new URLSearchParams(search)];
  const isJson = message.headers["content-type"]?.startsWith("application/json");
  return isJson ? parseJsonFields(body) : [...new URLSearchParams(body)];
}

function parseJsonFields(body: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}
