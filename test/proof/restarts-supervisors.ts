/** Who starts the daemon again. */
import { execFile } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isListening } from "#client/autostart.js";
import { startNode } from "../helpers/child.js";
import type { Place, Teardown } from "../helpers/daemon-place.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";
import { startUserManager } from "../helpers/user-manager.js";

export interface Supervisor {
  /** Of whoever calls the daemon. */
  readonly env: NodeJS.ProcessEnv;
  /** Resolves when the next daemon serves. */
  restart(): Promise<void>;
  /** Restarts with another program. */
  upgrade(program: string): Promise<void>;
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(ROOT, "daemon/dist/main.js");

/** Starts the next daemon when the one before has ended, as a container's or a hand-written supervisor does. */
export async function plainSupervisor(t: Teardown, place: Place): Promise<Supervisor> {
  const start = (program: string) =>
    startNode([program, "--socket", place.socket], { env: place.env, cwd: place.home });
  const serves = () => until("the daemon serves", () => isListening(place.socket));
  let child = start(PROGRAM);
  t.teardown(async () => {
    child.kill("SIGTERM");
    await child.ended;
  });
  await serves();
  const upgrade = async (program: string): Promise<void> => {
    child.kill("SIGTERM");
    const { code, stderr } = await child.ended;
    if (code !== 0) throw new Error(`The daemon exited with ${code}:\n${stderr}`);
    child = start(program);
    await serves();
  };
  return { env: place.env, restart: () => upgrade(PROGRAM), upgrade };
}

/** The repository's units under a real user manager. */
export async function systemdSupervisor(t: Teardown, place: Place): Promise<Supervisor> {
  const manager = await startUserManager(t, place.home);
  const unit = (name: string): string => readFileSync(join(ROOT, "systemd", name), "utf8");
  // A call that blocks would stop the load, which is in this process.
  const run = (...args: readonly string[]) =>
    promisify(execFile)("systemctl", ["--user", ...args], { env: manager.env });
  const restart = async (): Promise<void> => {
    await run("restart", "codex-authd.service");
  };
  const install = async (program: string): Promise<void> => {
    const command = `ExecStart=${process.execPath} ${program} --config ${place.home}/config.toml`;
    // A hundred restarts in a minute are meant.
    const service = unit("codex-authd.service").replace(
      "StartLimitIntervalSec=60",
      "StartLimitIntervalSec=0",
    );
    manager.write("codex-authd.service", service.replace(/^ExecStart=.*$/m, command));
    manager.write("codex-authd.socket", unit("codex-authd.socket"));
    await run("daemon-reload");
  };
  await install(PROGRAM);
  await run("start", "codex-authd.socket", "codex-authd.service");
  return {
    env: manager.env,
    restart,
    async upgrade(program) {
      await install(program);
      await restart();
    },
  };
}

/** A copy of the daemon that says it is another version. */
export function upgradedDaemon(t: Teardown): string {
  const folder = temporaryFolder(t);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  cpSync(join(ROOT, "daemon/dist"), join(folder, "dist"), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(ROOT, "daemon/package.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, version: "99.0.0" }));
  return join(folder, "dist/main.js");
}
