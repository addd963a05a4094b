/** A place of its own for one daemon and its callers: home, socket, configuration, and the programs that run in it. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { logPath } from "@codex-authd/shared";
import { type AuthClient, createAuthClient } from "#client/index.js";
import type { AuthorizationServer } from "./authorization-server.js";
import { type Child, type Run, startNode } from "./child.js";
import { assertNoSecret, secretsOf, tokensOf } from "./leaked-secrets.js";
import { endProcessesWith } from "./process-list.js";

export interface Teardown {
  teardown(end: () => unknown): void;
}

export interface PlaceOptions {
  /** Where logins are made, unless `config` names another one. None of its secrets may appear in a log. */
  readonly issuer: AuthorizationServer;
  /** Keys of config.toml, over `issuer` and `callback_port = 0`. */
  readonly config?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Laid over the environment of every program of this place; `undefined` takes a variable away. */
  readonly env?: NodeJS.ProcessEnv;
  /** The home folder of an earlier place, to come back to. Default: a new one. */
  readonly home?: string;
}

export interface Place {
  /** HOME of the daemon and of every caller. */
  readonly home: string;
  /** `CODEX_HOME` of the environment, else `.codex` in the home folder. */
  readonly codexHome: string;
  readonly socket: string;
  readonly env: NodeJS.ProcessEnv;
  /** A client of the library that starts no daemon. */
  client(): AuthClient;
  /** Runs `codex-auth` to its end; `input` is all of its stdin. */
  cli(args: readonly string[], options?: CliOptions): Promise<Run>;
  /** Starts `codex-auth`, which ends with the test at the latest. */
  startCli(args: readonly string[], env?: NodeJS.ProcessEnv, cwd?: string): Child;
  /** Starts `codex-authd` on the place's socket; nobody waits until it serves. */
  startProgram(args?: readonly string[]): Child;
}

export interface CliOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the home folder. */
  readonly cwd?: string;
}

const ROOT = new URL("../../../", import.meta.url);
const DAEMON = fileURLToPath(new URL("daemon/dist/main.js", ROOT));
const CLI = fileURLToPath(new URL("client/dist/cli/codex-auth.cjs", ROOT));

/** Our programs are watched as the tests are: a process warning, or a step beyond loopback, ends them. */
const STRICT = new URL("test/helpers/strict.mjs", ROOT).href;

/** A command takes under a second; what hangs is ended long before the test is. */
const CLI_PATIENCE_MS = 60_000;

/** Makes a place that goes with the test, daemons that were started in it on demand included. */
export function createPlace(t: Teardown, options: PlaceOptions): Place {
  const { issuer } = options;
  const home = options.home ?? createHome(t);
  const socket = join(home, "run", "d.sock");
  const env = { ...environment(home, socket), ...options.env };
  const codexHome = env.CODEX_HOME ?? join(home, ".codex");
  mkdirSync(codexHome, { recursive: true, mode: 0o700 });
  const config = { issuer: issuer.url, callback_port: 0, ...options.config };
  writeFileSync(join(home, "config.toml"), toToml(config));
  t.teardown(() => failing(() => endPlace(env, socket, issuer)));
  const startCli = (args: readonly string[], more: NodeJS.ProcessEnv = {}, cwd = home): Child => {
    const child = startNode([CLI, ...args], { env: { ...env, ...more }, cwd });
    t.teardown(() => failing(() => endCaller(child, issuer)));
    return child;
  };
  return {
    home,
    codexHome,
    socket,
    env,
    client() {
      const client = createAuthClient({ env, cwd: home, autostart: false });
      t.teardown(() => client.close());
      return client;
    },
    startCli,
    startProgram: (args = []) => startNode([DAEMON, "--socket", socket, ...args], { env, cwd: home }),
    cli(args, { input, env: more, cwd } = {}) {
      const child = startCli(args, more, cwd);
      child.end(input);
      const patience = setTimeout(() => child.kill("SIGKILL"), CLI_PATIENCE_MS);
      return child.ended.finally(() => clearTimeout(patience));
    },
  };
}

/** Runs an end of a test, whose failure must not keep the other ends from running. */
export async function failing(end: () => unknown): Promise<void> {
  try {
    await end();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}

/** Short, for a socket's path has at most 103 bytes. */
function createHome(t: Teardown): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "cad-")));
  t.teardown(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
  return home;
}

/** Nothing of ours but PATH. */
function environment(home: string, socket: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    CODEX_AUTHD_CONFIG: join(home, "config.toml"),
    CODEX_AUTHD_SOCKET: socket,
    NODE_OPTIONS: `--import=${STRICT}`,
    NO_COLOR: "1",
  };
}

/** For strings, numbers, booleans and lists of them, TOML is written as JSON is. */
function toToml(config: NonNullable<PlaceOptions["config"]>): string {
  return Object.entries(config)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    .join("");
}

async function endPlace(env: NodeJS.ProcessEnv, socket: string, issuer: AuthorizationServer): Promise<void> {
  const hasEnded = await endProcessesWith(socket);
  const log = logPath(env);
  if (existsSync(log))
    assertNoSecret(readFileSync(log, "utf8"), secretsOf(issuer), "the log of a daemon started on demand");
  if (!hasEnded) throw new Error(`A daemon on ${socket} had to be killed.`);
}

/** A person's own terminal shows the address to open, `state` included; tokens only where they were asked for. */
async function endCaller(child: Child, issuer: AuthorizationServer): Promise<void> {
  if (child.isRunning) child.kill("SIGKILL");
  const { stderr } = await child.ended;
  assertNoSecret(stderr, tokensOf(issuer), "the stderr of codex-auth");
}
