import { join } from "node:path";
import type { Environment } from "@codex-authd/shared";

/** Where a user's own units are: systemd.unit(5). */
export function systemdUnitFolder({ HOME = "", XDG_CONFIG_HOME }: Environment): string {
  return join(XDG_CONFIG_HOME || join(HOME, ".config"), "systemd", "user");
}

/** Where launchd looks for our agent: launchd.plist(5). */
export function launchAgentPath({ HOME = "" }: Environment): string {
  return join(HOME, "Library", "LaunchAgents", "codex-authd.plist");
}
