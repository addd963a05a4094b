/**
 * `codex-auth token` at the price of a bare Node: one GET over node:net, since node:http alone takes longer to
 * load than the call. Knows the plain forms only, and answers `undefined` for whatever the full program should look at.
 */
import { createConnection } from "node:net";
import { resolve } from "node:path";
import {
  CLIENT_HEADER,
  codexHomePath,
  type Environment,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  socketPaths,
} from "@codex-authd/shared";
import { DEFAULT_DEADLINE_MS } from "../call-policy.js";

export interface TokenWish {
  readonly sockets: readonly string[];
  /** Path and query of the GET. */
  readonly target: string;
}

/** The token as the daemon sent it, or an error that it named, or that it did not answer in time. */
export type TokenAnswer =
  | { readonly kind: "token"; readonly text: string }
  | { readonly kind: "failure"; readonly code: string; readonly message: string };

/** A token is some kilobytes. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** Seconds of `--min-validity` as scripts write them; anything else is for the full program to take or refuse. */
const MIN_VALIDITY_PATTERN = /^\d{1,4}$/;

const OPTION_NAMES = ["--codex-home", "--min-validity", "--socket"];

/** `undefined` when this is not a plain `token` command. */
export function parseTokenArguments(argv: readonly string[], env: Environment): TokenWish | undefined {
  const options = argv[0] === "token" ? parseOptions(argv.slice(1)) : undefined;
  const seconds = options?.get("--min-validity") ?? "0";
  if (!options || !MIN_VALIDITY_PATTERN.test(seconds) || !env.HOME) return undefined;
  const socket = options.get("--socket");
  const minValidity = seconds === "0" ? "" : `&minValidityMs=${seconds}000`;
  try {
    const codexHome = encodeURIComponent(resolve(options.get("--codex-home") ?? codexHomePath(env)));
    const query = `codexHome=${codexHome}&cwd=${encodeURIComponent(resolve("."))}${minValidity}`;
    return { sockets: socket ? [resolve(socket)] : socketPaths(env), target: `/v1/token?${query}` };
  } catch {
    return undefined;
  }
}

/** The first daemon's answer; `undefined` when there is none, or one that this path does not understand. */
export async function getTokenFast({ sockets, target }: TokenWish): Promise<TokenAnswer | undefined> {
  for (const socketPath of sockets) {
    const answer = await exchange(socketPath, target);
    if (answer === "timeout")
      return { kind: "failure", code: "ERR_DAEMON_TIMEOUT", message: timeoutMessage() };
    if (answer !== undefined) return parseAnswer(answer);
  }
  return undefined;
}

function parseOptions(words: readonly string[]): Map<string, string> | undefined {
  const options = new Map<string, string>();
  for (let index = 0; index < words.length; index++) {
    const [name = "", inline] = (words[index] ?? "").split(/=(.*)/s, 2);
    const value = inline ?? words[++index];
    if (!OPTION_NAMES.includes(name) || !value) return undefined;
    options.set(name, value);
  }
  return options;
}

function exchange(socketPath: string, target: string): Promise<string | "timeout" | undefined> {
  return new Promise((settle) => {
    let answer = "";
    const socket = createConnection(socketPath);
    socket.setEncoding("utf8").setTimeout(DEFAULT_DEADLINE_MS, () => {
      settle("timeout");
      socket.destroy();
    });
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (isComplete(answer)) settle(answer);
      if (isComplete(answer) || answer.length > MAX_ANSWER_BYTES) socket.destroy();
    });
    socket.on("error", () => settle(undefined));
    socket.on("close", () => settle(answer || undefined));
    const headers = [
      "host: localhost",
      `${PROTOCOL_HEADER}: ${PROTOCOL_VERSION}`,
      `${CLIENT_HEADER}: codex-auth token`,
      "connection: close",
    ];
    socket.write(`GET ${target} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
  });
}

/** To wait for the end of the connection would cost a millisecond or two. */
function isComplete(answer: string): boolean {
  const [head = "", body] = answer.split(/\r\n\r\n(.*)/s, 2);
  return body !== undefined && headerOf(head, "content-length") === String(Buffer.byteLength(body));
}

function parseAnswer(answer: string): TokenAnswer | undefined {
  const [head = "", body = ""] = answer.split(/\r\n\r\n(.*)/s, 2);
  if (headerOf(head, PROTOCOL_HEADER) !== String(PROTOCOL_VERSION)) return undefined;
  if (headerOf(head, "content-length") !== String(Buffer.byteLength(body))) return undefined;
  if (/^HTTP\/1\.[01] 200 /.test(head)) return { kind: "token", text: body };
  const code = headerOf(head, "codex-authd-error");
  // The full program says more of a Codex home that is not there: it may be the default one, before the first login.
  if (code === undefined || code === "ERR_CONFIG_INVALID") return undefined;
  return { kind: "failure", code, message: body.trim() };
}

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*?)\\r?$`, "im").exec(head)?.[1];
}

function timeoutMessage(): string {
  return "The daemon did not answer in time. It may be alive and busy: try again, and look at its log.";
}
