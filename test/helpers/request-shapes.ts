/** Requests to the issuer, compared with those that codex-cli 0.169 sends. */
import type { Test } from "tap";
import {
  CONNECTION_HEADERS,
  DIFFERENCES,
  type RequestName,
  type RequestShape,
  UPSTREAM_REQUESTS,
} from "../fixtures/upstream-requests.js";
import type { RecordedRequest } from "./authorization-server.js";

/** Values that differ each time, and what they are compared as. */
const PLACEHOLDERS: readonly [RegExp, string][] = [
  [/^(http:\/\/(?:127\.0\.0\.1|localhost)):\d+\/auth\/callback$/, "$1:<port>/auth/callback"],
  [/^http:\/\/127\.0\.0\.1:\d+\/deviceauth\/callback$/, "<issuer>/deviceauth/callback"],
  [/^rt_.*$/, "<refresh token>"],
  [/^ac_.*$/, "<code>"],
  [/^deviceauth_.*$/, "<device auth id>"],
  [/^[A-Z]{4}-\d{5}$/, "<user code>"],
  [/^[\w-]{43}$/, "<43 characters>"],
  [/^[\w-]{86}$/, "<86 characters>"],
  [/^codex_cli_rs\/([\d.]+) \([^;]*; [^)]*\) .*$/, "codex_cli_rs/$1 (<os>; <arch>) <terminal>"],
  [/^codex_cli_rs\/([\d.]+) \([^;]*; [^)]*\)$/, "codex_cli_rs/$1 (<os>; <arch>) <terminal>"],
  [/^codex-authd\/[\d.]+ \([^;]*; [^)]*\)$/, "codex-authd/<version> (<os>; <arch>)"],
];

/** What a request looks like once what differs each time is left out. */
export function shapeOf({ method, path, headers, fields }: RecordedRequest): RequestShape {
  const sent = headers.filter(([name]) => !CONNECTION_HEADERS.includes(name.toLowerCase()));
  return {
    method: method === "GET" ? "GET" : "POST",
    path,
    headers: method === "GET" ? {} : masked(sent),
    parameters: masked(fields ?? []),
  };
}

function masked(pairs: readonly (readonly [string, unknown])[]): Record<string, string> {
  return Object.fromEntries(pairs.map(([name, value]) => [name, mask(String(value))]));
}

function mask(value: string): string {
  const [pattern, replacement] = PLACEHOLDERS.find(([candidate]) => candidate.test(value)) ?? [];
  return pattern === undefined || replacement === undefined ? value : value.replace(pattern, replacement);
}

/** Upstream's shape with the differences that are named for it. */
export function ourShape(name: RequestName): RequestShape {
  const shape: RequestShape = UPSTREAM_REQUESTS[name];
  const differences = DIFFERENCES.filter(({ requests }) => requests.includes(name));
  const replaced = (pairs: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(pairs).map(([field, value]) => {
        const difference = differences.find((candidate) => candidate.field === field);
        return [field, difference?.upstream === value ? difference.ours : value];
      }),
    );
  const added = differences.filter(({ upstream }) => upstream === null);
  const headers = {
    ...Object.fromEntries(added.map(({ field, ours }) => [field, ours])),
    ...replaced(shape.headers),
  };
  return { ...shape, headers, parameters: replaced(shape.parameters) };
}

/** The same names in the same order with the same values. */
export function assertSame(t: Test, request: RecordedRequest | undefined, wanted: RequestShape): void {
  if (request === undefined) return void t.fail(`no request ${wanted.method} ${wanted.path}`);
  const shape = shapeOf(request);
  t.strictSame(shape, wanted, `${wanted.method} ${wanted.path}`);
  t.strictSame(Object.entries(shape.headers), Object.entries(wanted.headers), "header order");
  t.strictSame(Object.entries(shape.parameters), Object.entries(wanted.parameters), "parameter order");
}
