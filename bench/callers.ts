/** The ways to ask for a token: one function each, that resolves when the whole answer was read and parsed. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { createConnection } from "node:net";
import type { Environment } from "@codex-authd/shared";
import { createAuthClient } from "#client/index.js";
import { onLine } from "./lines.js";

/** Callers at the same time; each has a number below this. */
export const CALLERS_MAX = 64;

/** The longest validity that the contract lets a caller ask for; a token here lives an hour. */
const DAY_MS = 86_400_000;

export interface Caller {
  /** Asks once, in the name of one of the callers. */
  call(caller: number): Promise<unknown>;
  close(): Promise<void>;
}

const REQUEST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "token/get", params: {} });

/**
 * The client library over the socket. Each caller asks for another validity, longer than the token has: that takes it past
 * the cache, and past sharing a request with the others, while the daemon answers with the best it has from memory.
 */
export function createLibraryCaller(socketPath: string, env: Environment): Caller {
  const client = createAuthClient({ socketPath, env, autostart: false });
  return {
    call: (caller) => client.getAccessToken({ minValidityMs: DAY_MS - caller }),
    close: () => client.close(),
  };
}

/** The client library as programs use it: from its cache, after the first call. */
export function createCachedCaller(socketPath: string, env: Environment): Caller {
  const client = createAuthClient({ socketPath, env, autostart: false });
  return { call: () => client.getAccessToken(), close: () => client.close() };
}

/** node:http with kept-alive connections, and nothing else. */
export function createHttpCaller(socketPath: string): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: CALLERS_MAX, maxFreeSockets: CALLERS_MAX });
  const headers = { host: "localhost", "content-type": "application/json" };
  const options = { socketPath, agent, method: "POST", path: "/v1/rpc", headers };
  return {
    call: () =>
      new Promise((resolve, reject) => {
        const outgoing = request(options, (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (chunk: string) => {
            body += chunk;
          });
          response.once("end", () => resolve(JSON.parse(body)));
        });
        outgoing.once("error", reject).end(REQUEST);
      }),
    close: async () => agent.destroy(),
  };
}

/** Lines of JSON over node:net, a connection for each caller. */
export async function createNetCaller(socketPath: string): Promise<Caller> {
  const connections = await Promise.all(Array.from({ length: CALLERS_MAX }, () => connect(socketPath)));
  return {
    call: (caller) => new Promise((resolve) => connections[caller]?.ask(resolve)),
    async close() {
      for (const { socket } of connections) socket.destroy();
    },
  };
}

async function connect(socketPath: string) {
  const socket = createConnection(socketPath);
  await once(socket, "connect");
  let answered: (answer: unknown) => void = () => {};
  onLine(socket, (line) => answered(JSON.parse(line)));
  const ask = (resolve: (answer: unknown) => void): void => {
    answered = resolve;
    socket.write(`${REQUEST}\n`);
  };
  return { socket, ask };
}
