/** A real `systemd --user`, with a home folder of its own, on a machine whose init is not systemd. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runTool, type ToolRun } from "./system-tool.js";
import { until } from "./until.js";

export interface UserManager {
  /** The environment of a person who is logged in there. */
  readonly env: { readonly PATH: string; readonly HOME: string; readonly XDG_RUNTIME_DIR: string };
  /** Writes a unit file, or a drop-in. */
  write(name: string, text: string): void;
  /** Runs `systemctl --user`. */
  systemctl(...args: readonly string[]): ToolRun;
  /** One property of a unit. */
  property(unit: string, name: string): string;
}

/** What sd_booted(3) looks for is laid over /run, in a mount namespace that nobody else sees. */
const BOOTED =
  "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec /lib/systemd/systemd --user";

/** Starts it in `home`; with the test it ends, and all that it runs. Needs root. */
export async function startUserManager(
  t: { teardown(end: () => unknown): void },
  home: string,
): Promise<UserManager> {
  const env = { PATH: process.env.PATH ?? "", HOME: home, XDG_RUNTIME_DIR: join(home, "xdg") };
  const units = join(home, ".config", "systemd", "user");
  mkdirSync(env.XDG_RUNTIME_DIR, { mode: 0o700 });
  mkdirSync(units, { recursive: true });
  const systemctl = (...args: readonly string[]): ToolRun => runTool(["systemctl", "--user", ...args], env);
  const child = spawn("unshare", ["--mount", "sh", "-c", BOOTED], { env, stdio: "ignore" });
  const ended = once(child, "close");
  t.teardown(async () => {
    systemctl("exit", "--force");
    await ended;
  });
  await until("the user manager is up", () => systemctl("is-active", "default.target").code === 0);
  return {
    env,
    write(name, text) {
      mkdirSync(join(units, name, ".."), { recursive: true });
      writeFileSync(join(units, name), text);
    },
    systemctl,
    property: (unit, name) => systemctl("show", "--value", "--property", name, unit).stdout.trim(),
  };
}
