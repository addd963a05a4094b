/** How a person is told: the programs that do it, their arguments and their whole environment. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "@codex-authd/shared";
import type { Notice } from "./problems.js";

export interface NoticeCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
}

const TITLES = {
  loginNeeded: "Codex needs a new login",
  writeFailed: "A Codex login cannot be saved",
} as const;

/** AppleScript that gets title and words as arguments, so that nothing in them is script. */
const SCRIPT = [
  "on run argv",
  "display notification (item 2 of argv) with title (item 1 of argv)",
  "end run",
].flatMap((line) => ["-e", line]);

/** The owner's own program, which is told everything. */
export function hookCommand(
  [program = "", ...args]: readonly string[],
  notice: Notice,
  env: Environment,
): NoticeCommand {
  const { event, codexHome, reason, message } = notice;
  return {
    program,
    args,
    env: {
      ...picked(env, ["HOME", "PATH"]),
      CODEX_AUTHD_CODEX_HOME: codexHome,
      CODEX_AUTHD_EVENT: event,
      CODEX_AUTHD_MESSAGE: message,
      CODEX_AUTHD_REASON: reason,
    },
  };
}

/** A desktop notification; `undefined` where there is no desktop, and for good news. */
export function desktopCommand(
  notice: Notice,
  env: Environment,
  platform: NodeJS.Platform,
): NoticeCommand | undefined {
  if (notice.event === "solved") return undefined;
  const words = [TITLES[notice.event], `${notice.codexHome}: ${notice.message}`] as const;
  if (platform === "darwin") {
    return { program: "osascript", args: [...SCRIPT, ...words], env: picked(env, ["HOME", "PATH"]) };
  }
  if (platform !== "linux" || !hasSessionBus(env)) return undefined;
  return {
    program: "notify-send",
    args: ["--app-name=codex-authd", "--", words[0], withoutMarkup(words[1])],
    env: picked(env, ["DBUS_SESSION_BUS_ADDRESS", "HOME", "PATH", "XDG_RUNTIME_DIR"]),
  };
}

function hasSessionBus({ DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: folder }: Environment): boolean {
  return Boolean(address) || (Boolean(folder) && existsSync(join(folder ?? "", "bus")));
}

/** Notification servers read some HTML in the words. */
function withoutMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function picked(env: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(
    names.map((name) => [name, env[name]]).filter(([, value]) => value !== undefined),
  );
}
