/** Those who are killed: a small process with the session layer, and the real daemon. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fingerprint, stateFolder } from "@codex-authd/shared";
import { writeAgedLogin } from "../helpers/aged-login.js";
import type { AuthorizationServer } from "../helpers/authorization-server.js";
import { startNode } from "../helpers/child.js";
import { startDaemon } from "../helpers/daemon.js";
import type { Teardown } from "../helpers/daemon-place.js";
import { post } from "../helpers/socket-call.js";
import type { SessionPlace } from "./session-layer.js";

export interface Victim {
  readonly place: SessionPlace;
  /** Begins the refresh; settles when it has ended, or the victim has. */
  refresh(): Promise<void>;
  /** `kill -9`; answers the fingerprints of the access tokens that were given out until then, when it is gone. */
  kill(): Promise<string[]>;
}

/** Past half of its hour, a token is due: whoever opens the session and sees nothing against it presents it. */
const AGE_SECONDS = 2_400;

const PROGRAM = fileURLToPath(new URL("kill-victim-main.js", import.meta.url));

/** Starts a process with the session layer, which has its files in `folder`. */
export async function startLayer(issuer: AuthorizationServer, folder: string): Promise<Victim> {
  const place = {
    issuerUrl: issuer.url,
    codexHome: join(folder, "codex"),
    recordFolder: join(folder, "state"),
  };
  mkdirSync(place.codexHome, { mode: 0o700 });
  writeAgedLogin(place.codexHome, issuer, AGE_SECONDS);
  const child = startNode([PROGRAM, JSON.stringify(place)], { env: { PATH: process.env.PATH }, cwd: folder });
  const untilLine = async (line: string): Promise<void> => {
    while ((await child.nextLine()) !== line);
  };
  await untilLine("opened");
  return {
    place,
    refresh() {
      child.write("refresh\n");
      return untilLine("refreshed");
    },
    async kill() {
      child.kill("SIGKILL");
      const { stdout } = await child.ended;
      return [...stdout.matchAll(/^told (.+)$/gm)].map(([, token = ""]) => token);
    },
  };
}

/** Starts a real daemon in a place of its own. */
export async function startRealDaemon(t: Teardown, issuer: AuthorizationServer): Promise<Victim> {
  const daemon = await startDaemon(t, { issuer });
  const told: string[] = [];
  const call = async (method: string): Promise<{ accessToken?: string } | undefined> => {
    const { body } = await post(daemon.socket, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: {} }));
    return JSON.parse(body).result;
  };
  // Only now, for the daemon looks each second whether something is due.
  writeAgedLogin(daemon.codexHome, issuer, AGE_SECONDS);
  await call("session/status");
  return {
    place: {
      issuerUrl: issuer.url,
      codexHome: daemon.codexHome,
      recordFolder: join(stateFolder(daemon.env), "sessions"),
    },
    async refresh() {
      await call("session/refresh");
      const token = await call("token/get");
      if (token?.accessToken) told.push(fingerprint(token.accessToken));
    },
    async kill() {
      await daemon.stop("SIGKILL");
      return told;
    },
  };
}
