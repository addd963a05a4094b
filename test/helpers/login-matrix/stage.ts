/** Where the cells of the login matrix are tried: a real daemon on two callback ports, the strict issuer, and the CLI. */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Clock, systemClock } from "@codex-authd/shared";
import type { Test } from "tap";
import { run } from "#client/cli/program.js";
import type { AuthClient } from "#client/index.js";
import { createAuthClient } from "#client/index.js";
import { parseFlags } from "#daemon/config/flags.js";
import { loadConfig } from "#daemon/config/load.js";
import { createDaemon } from "#daemon/daemon.js";
import { type AuthorizationServer, startAuthorizationServer } from "../authorization-server.js";
import { createTestTerminal, type TestTerminal } from "../cli-run.js";
import { startDaemon } from "../daemon.js";
import { createImpatientClock } from "../impatient-clock.js";
import { recordingLog } from "../rpc-harness.js";

/** The ports of this run, which the page shows as upstream's. */
export interface Ports {
  readonly main: number;
  readonly fallback: number;
}

export interface Stage {
  readonly t: Test;
  readonly issuer: AuthorizationServer;
  readonly ports: Ports;
  readonly client: AuthClient;
  /** A new Codex home. */
  newHome(): string;
  /** Runs `codex-auth` in this process, as if it were elsewhere. */
  attempt(attempt: Attempt): Promise<Outcome>;
}

export interface Attempt {
  readonly args: readonly string[];
  readonly home: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Default: `linux`. */
  readonly platform?: string;
  /** Files that the caller sees. */
  readonly files?: readonly string[];
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** True: at a daemon for which minutes are over at once. */
  readonly isLate?: boolean;
  /** What the person does with each address or code that is shown. Default: nothing. */
  readonly person?: (shown: Shown, terminal: TestTerminal) => Promise<unknown>;
}

/** What a person sees on the terminal. */
export type Shown =
  | { readonly flow: "browser"; readonly url: string }
  | { readonly flow: "device"; readonly verificationUri: string; readonly userCode: string };

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Everything that was shown, in its order. */
  readonly shown: readonly Shown[];
}

export async function createStage(t: Test): Promise<Stage> {
  const issuer = await startAuthorizationServer(t);
  const ports = { main: await unusedPort(), fallback: await unusedPort() };
  const config = { callback_port: ports.main, callback_fallback_port: ports.fallback };
  const daemon = await startDaemon(t, { issuer, config });
  const lateSocket = await startLateDaemon(t, daemon.home, { ...config, issuer: issuer.url });
  const client = createAuthClient({ env: daemon.env, autostart: false });
  t.teardown(() => client.close());
  let homes = 0;
  return {
    t,
    issuer,
    ports,
    client,
    newHome() {
      const home = join(daemon.home, `h${++homes}`);
      mkdirSync(home);
      return home;
    },
    attempt({ home, variables, isLate, ...rest }) {
      const CODEX_AUTHD_SOCKET = isLate ? lateSocket : daemon.socket;
      const env = { PATH: process.env.PATH ?? "", HOME: daemon.home, CODEX_HOME: home, ...variables };
      return attemptAs({ ...rest, env: { ...env, CODEX_AUTHD_SOCKET }, folder: daemon.home });
    },
  };
}

type AttemptAs = Omit<Attempt, "home" | "variables" | "isLate"> & {
  readonly env: Record<string, string>;
  readonly folder: string;
};

async function attemptAs({ args, platform = "linux", files = [], clock = systemClock, ...rest }: AttemptAs) {
  const { env, folder, person = async () => undefined } = rest;
  const base = createTestTerminal({ env, folder });
  const surroundings = { platform, fileExists: (path: string) => files.includes(path) };
  const terminal = { ...base, clock, surroundings };
  const shown: Shown[] = [];
  const acts: Promise<unknown>[] = [];
  const stopLooking = base.onWrite(() => {
    for (const one of shownOn(base.written.stderr).slice(shown.length)) {
      shown.push(one);
      acts.push(person(one, base));
    }
  });
  const exitCode = await run(["login", ...args], terminal);
  stopLooking();
  await Promise.all(acts);
  return { exitCode, ...base.written, shown };
}

const SHOWN = /(http\S+\/oauth\/authorize\?\S+)\n|Open {3}(\S+)\n.*\n[^│]*│ {2}(\S+) {2}│/g;

function shownOn(stderr: string): Shown[] {
  return [...stderr.matchAll(SHOWN)].map(([, url, verificationUri = "", userCode = ""]) =>
    url === undefined ? { flow: "device", verificationUri, userCode } : { flow: "browser", url },
  );
}

/** The real daemon by its composition root, in this process, for which ten minutes are over at once. */
async function startLateDaemon(t: Test, home: string, settings: Record<string, string | number>) {
  const socket = join(home, "late.sock");
  const toml = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  const daemon = await createDaemon({
    config: loadConfig({
      flags: parseFlags(["--socket", socket]),
      env: { HOME: home },
      readFile: () => toml.join(""),
    }),
    stateFolder: join(home, "late-state"),
    log: recordingLog().log,
    clock: createImpatientClock(),
    onStopRequested: () => {},
  });
  daemon.server.listen(socket);
  await once(daemon.server, "listening");
  t.teardown(async () => {
    await daemon.stopServing();
    daemon.server.close();
    daemon.server.closeAllConnections();
    await daemon.close();
  });
  return socket;
}

/** A port below the range that systems hand out by themselves, so that no other test is given it meanwhile. */
async function unusedPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    server.close();
    if (isFree) return port;
  }
}
