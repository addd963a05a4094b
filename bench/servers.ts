/** What is measured: the real daemon with a login in place, and its two yardsticks, each in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createAuthorizationServer } from "#test/helpers/authorization-server.js";
import { writeLogin } from "#test/helpers/logins.js";
import { createHttpCaller } from "./callers.js";

export interface Servers extends AsyncDisposable {
  /** The sockets. */
  readonly daemon: string;
  readonly fastify: string;
  readonly net: string;
  /** The environment that the callers live in: nothing of ours but PATH, and HOME with the login. */
  readonly env: Readonly<Record<string, string>>;
}

const TIED_TO_PARENT = new URL("tied-to-parent.js", import.meta.url).href;
const DAEMON = fileURLToPath(new URL("../../daemon/dist/main.js", import.meta.url));
const FASTIFY_ECHO = fileURLToPath(new URL("fastify-echo.js", import.meta.url));
const NET_ECHO = fileURLToPath(new URL("net-echo.js", import.meta.url));

/** A start takes half a second. */
const START_PATIENCE_MS = 20_000;

const LOOK_MS = 20;

/** Starts all three; the yardsticks answer what the daemon answered. */
export async function startServers(): Promise<Servers> {
  const issuer = await createAuthorizationServer();
  const home = createHome();
  mkdirSync(join(home, ".codex"));
  writeLogin(join(home, ".codex"), issuer);
  writeFileSync(join(home, "config.toml"), `issuer = "${issuer.url}"\n`);
  const [daemon, fastify, net] = [join(home, "d.sock"), join(home, "f.sock"), join(home, "n.sock")];
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    CODEX_AUTHD_CONFIG: join(home, "config.toml"),
    CODEX_AUTHD_SOCKET: daemon,
  };
  const children: ChildProcess[] = [];
  const start = async (socketPath: string, program: readonly string[]): Promise<void> => {
    children.push(await startServer({ socketPath, program, env }));
  };
  await start(daemon, [DAEMON]);
  const answer = JSON.stringify(await answerOf(daemon));
  await start(fastify, [FASTIFY_ECHO, fastify, answer]);
  await start(net, [NET_ECHO, net, answer]);
  return {
    daemon,
    fastify,
    net,
    env,
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(end));
      await issuer.close();
    },
  };
}

/** It goes with the process; its name is short, for a socket's path has at most 103 bytes. */
function createHome(): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "cad-")));
  process.once("exit", () => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  return home;
}

async function startServer(options: {
  readonly socketPath: string;
  readonly program: readonly string[];
  readonly env: Servers["env"];
}): Promise<ChildProcess> {
  const { socketPath, program, env } = options;
  const log = `${socketPath}.log`;
  const child = spawn(process.execPath, ["--import", TIED_TO_PARENT, ...program], {
    env,
    stdio: ["ignore", "ignore", openSync(log, "w"), "ipc"],
  });
  const deadlineAtMs = Date.now() + START_PATIENCE_MS;
  while (!(await isListening(socketPath))) {
    if (child.exitCode !== null || Date.now() > deadlineAtMs) {
      throw new Error(`${program[0]} does not listen. It wrote:\n${readFileSync(log, "utf8")}`);
    }
    await delay(LOOK_MS);
  }
  return child;
}

async function isListening(socketPath: string): Promise<boolean> {
  const socket = createConnection(socketPath);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function answerOf(socketPath: string): Promise<unknown> {
  const caller = createHttpCaller(socketPath);
  try {
    return await caller.call(0);
  } finally {
    await caller.close();
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill();
  await ended;
}
