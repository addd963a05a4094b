import type { IncomingMessage } from "node:http";
import type { AuthorizationServer, Fault, FaultyEndpointName } from "../authorization-server.js";
import { type Answer, json } from "./answers.js";
import { readRequest, targetOf } from "./requests.js";
import { IssuerSettings } from "./settings.js";
import { userLabel } from "./users.js";

/** Where the control API for other processes begins. */
export const CONTROL_PREFIX = "/__control/";

/** Answers a request to the control API, which is for this machine only and not for pages in a browser. */
export async function answerControl(server: AuthorizationServer, message: IncomingMessage): Promise<Answer> {
  if (!isFromThisMachine(message)) return json(403, { error: "The control API is for this machine only." });
  const name = `${message.method} ${targetOf(message).pathname.slice(CONTROL_PREFIX.length)}`;
  const command = COMMANDS[name];
  if (command === undefined)
    return json(404, { error: `There is no ${name}.`, commands: Object.keys(COMMANDS) });
  try {
    const { parsed } = await readRequest(message, undefined);
    return json(200, command(server, parsed, message) ?? {});
  } catch (error) {
    return json(400, { error: String(error) });
  }
}

type Command = (
  server: AuthorizationServer,
  parsed: Record<string, unknown>,
  message: IncomingMessage,
) => unknown;

const COMMANDS: Readonly<Record<string, Command>> = {
  "GET access-token": (server, _parsed, { headers }) => ({
    isValid: server.isAccessTokenValid((headers.authorization ?? "").replace(/^Bearer /, "")),
  }),
  "GET state": describe,
  "POST device": (server, { userCode, decision }) =>
    decision === "deny" ? server.denyDevice(String(userCode)) : server.approveDevice(String(userCode)),
  "POST fault": scriptFault,
  "POST settings": changeSettings,
  "POST sign-in": (server) => server.issueTokens(),
};

function describe(server: AuthorizationServer): object {
  return {
    url: server.url,
    exchanges: server.exchanges,
    reuses: server.reuses,
    violations: server.violations,
    requests: server.requests.map(({ endpoint, method, path, atMs, status }) => ({
      endpoint,
      method,
      path,
      atMs,
      status,
    })),
    families: server.families.map(({ user, exchanges, revokedBecause }) => ({
      user: userLabel(user),
      exchanges,
      revokedBecause,
    })),
  };
}

function changeSettings(server: AuthorizationServer, changes: Record<string, unknown>): void {
  const known = new IssuerSettings();
  const unknown = Object.keys(changes).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw new TypeError(`${unknown} is not a setting.`);
  Object.assign(server, changes);
}

/** The other end is a test of ours: its arguments are taken as they come. */
function scriptFault(server: AuthorizationServer, parsed: Record<string, unknown>): void {
  const { endpoint, fault, times } = parsed as { endpoint: FaultyEndpointName; fault: Fault; times?: number };
  server.failNext(endpoint, fault, times);
}

function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const isLoopback = socket.remoteAddress === "127.0.0.1";
  const isForLoopback = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? "");
  return isLoopback && isForLoopback && headers.origin === undefined;
}
