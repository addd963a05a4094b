/** Real app-servers with external tokens of one login, each in a Codex home of its own, as one host has them. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { AppServer, AuthFailure, ConnectOptions } from "#client/app-server/index.js";
import { createAuthClient } from "#client/index.js";
import type { Daemon } from "../helpers/daemon.js";
import { createHost, externalTokensOf, type Host, runTurn } from "../helpers/hosted-app-server.js";
import { writeLogin } from "../helpers/logins.js";
import { createScene, type Scene } from "../helpers/real-codex-scene.js";
import type { ProofOptions } from "./proof.js";

/** Where the login is kept. */
export type Keeping = "file" | "memory";

export interface Member {
  readonly server: AppServer;
  /** What its host was told. */
  readonly failures: AuthFailure[];
}

export interface Fleet {
  readonly scene: Scene;
  readonly daemon: Daemon;
  readonly members: readonly Member[];
  /** The access token that all of them have. */
  readonly token: string;
}

/** Starts at once; a start takes a second of a core, and has 30 s. */
const BATCH = 5;

/** Starts `size` app-servers, and has each complete a turn, so that all that is looked up once has been. */
export async function startFleet(size: number, keeping: Keeping, options: ProofOptions): Promise<Fleet> {
  const scene = await createScene(options);
  const daemon = await scene.startDaemon();
  const host = createHost(options, scene, daemon);
  // As a host has it: whoever misses the daemon first starts it again.
  const auth = createAuthClient({ env: daemon.env, cwd: daemon.home });
  options.teardown(() => auth.close());
  const login = keeping === "file" ? loginInFile(scene, daemon) : loginInMemory(scene);
  const members = [await startMember(host, { ...login, auth })]; // Alone, for it may have to log in.
  while (members.length < size) {
    const batch = Array.from({ length: Math.min(BATCH, size - members.length) }, () =>
      startMember(host, { ...login, auth }),
    );
    members.push(...(await Promise.all(batch)));
  }
  const token = scene.backend.requestsTo("responses").at(-1)?.accessToken ?? "";
  return { scene, daemon, members, token };
}

export async function endFleet({ daemon, members }: Fleet): Promise<void> {
  await Promise.all(members.map(({ server }) => server.close()));
  await daemon.stop();
}

async function startMember(host: Host, login: Partial<ConnectOptions>): Promise<Member> {
  const server = await host.connect({ home: await host.createHome(), ...login });
  const failures: AuthFailure[] = [];
  server.on("authFailure", (failure) => failures.push(failure));
  await runTurn(server);
  return { server, failures };
}

function loginInFile({ issuer }: Scene, daemon: Daemon): Partial<ConnectOptions> {
  const home = join(daemon.home, "login");
  mkdirSync(home, { mode: 0o700 });
  writeLogin(home, issuer);
  return externalTokensOf(home);
}

/** The first of them logs in, with a code that is approved at once. */
function loginInMemory({ issuer }: Scene): Partial<ConnectOptions> {
  return {
    experimentalApi: true,
    oauth: {
      storage: "memory",
      sessionName: "fleet",
      flow: "device",
      onAuthorization: (pending) => {
        if (pending.flow === "device") issuer.approveDevice(pending.userCode);
      },
    },
  };
}
