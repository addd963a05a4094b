/** A real `systemd --user`, with a home folder of its own, on a machine whose init is not systemd. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
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
const BOOTED = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"';

/** Puts the shell into the control groups that are named, then becomes the program. */
const IN_GROUPS = 'for group in $GROUPS_OF_TEST; do echo 0 > "$group/cgroup.procs"; done; exec "$@"';

/** Control group hierarchies that systemd uses: version 2 alone, or version 1 with a systemd hierarchy beside it. */
const HIERARCHIES = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];

/** Starts it in `home`, for root or for another user; with the test it ends, and all that it runs. Needs root. */
export async function startUserManager(
  t: { teardown(end: () => unknown): void },
  home: string,
  uid = 0,
): Promise<UserManager> {
  const env = { PATH: process.env.PATH ?? "", HOME: home, XDG_RUNTIME_DIR: join(home, "xdg") };
  const units = join(home, ".config", "systemd", "user");
  mkdirSync(env.XDG_RUNTIME_DIR, { recursive: true, mode: 0o700 });
  mkdirSync(units, { recursive: true });
  const as = uid === 0 ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const groups = delegateGroups(t, home, uid);
  if (uid !== 0) for (const folder of [home, env.XDG_RUNTIME_DIR]) chownSync(folder, uid, uid);
  const systemctl = (...args: readonly string[]): ToolRun =>
    runTool([...as, "systemctl", "--user", ...args], env);
  const manager = ["sh", "-c", IN_GROUPS, "sh", ...as, "/lib/systemd/systemd", "--user"];
  const child = spawn("unshare", ["--mount", "sh", "-c", BOOTED, "sh", ...manager], {
    env: { ...env, GROUPS_OF_TEST: groups.join(" ") },
    stdio: "ignore",
  });
  const ended = once(child, "close");
  t.teardown(async () => {
    systemctl("exit");
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

/** Control groups that the user may divide, as logind gives them: two managers in one would stop each other's services. */
function delegateGroups(t: { teardown(end: () => unknown): void }, home: string, uid: number): string[] {
  const hierarchies = HIERARCHIES.filter((hierarchy) => existsSync(join(hierarchy, "cgroup.procs")));
  return hierarchies.map((hierarchy) => {
    const group = join(hierarchy, basename(home));
    mkdirSync(group, { recursive: true });
    for (const file of ["", "cgroup.procs", "cgroup.subtree_control"]) {
      if (existsSync(join(group, file))) chownSync(join(group, file), uid, uid);
    }
    t.teardown(() => until("its control group is empty", () => removed(group)));
    return group;
  });
}

/** The groups of the manager and its services are below. */
function removed(group: string): boolean {
  if (!existsSync(group)) return true;
  try {
    const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    if (!below.every(({ name }) => removed(join(group, name)))) return false;
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}
