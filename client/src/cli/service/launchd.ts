/**
 * launchd hands a socket over by a native call (launch_activate_socket), not by a descriptor as systemd does, and Node has
 * no such call: so the agent runs from login on and is kept alive, and clients wait out a restart.
 */
import { launchAgentPath } from "../../service-paths.js";
import type { Command } from "./command-runner.js";
import { isThere, MARK, type ServiceFile } from "./service-file.js";
import type { ServiceManager, ServiceSetting } from "./service-manager.js";
import { template } from "./templates.js";

const LABEL = "codex-authd";

/** `launchctl` on an agent in `~/Library/LaunchAgents`. */
export function createLaunchd(setting: ServiceSetting): ServiceManager {
  const { runner, env, uid, socketPath, logPath } = setting;
  const path = launchAgentPath(env);
  const target = `gui/${uid}/${LABEL}`;
  const bootstrap: Command = ["launchctl", "bootstrap", `gui/${uid}`, path];
  const bootout: Command = ["launchctl", "bootout", target];
  const kickstart: Command = ["launchctl", "kickstart", target];
  const printed = (): Promise<{ code: number; stdout: string }> => runner.run(["launchctl", "print", target]);
  const isLoaded = async (): Promise<boolean> => (await printed()).code === 0;
  return {
    name: "launchd",
    files: [agentFile(path, setting)],
    check: async () => {},
    async activation(isChanged) {
      if (!(await isLoaded())) return [bootstrap];
      return isChanged ? [bootout, bootstrap] : [];
    },
    deactivation: async () => ({ before: (await isLoaded()) ? [bootout] : [], after: [] }),
    start: async () => ((await isLoaded()) ? [kickstart] : [bootstrap]),
    // Taken out until the next login or `start`: one that is only killed would be started again.
    stop: async () => ((await isLoaded()) ? [bootout] : []),
    // Not `kickstart -k`, which does not let it finish a token exchange.
    restart: async () => ((await isLoaded()) ? [bootout, bootstrap] : [bootstrap]),
    async status() {
      const { code, stdout } = await printed();
      const installed = await isThere(path);
      const pid = Number(valueIn(stdout, "pid")) || null;
      return {
        manager: "launchd",
        installed,
        enabled: installed,
        active: code === 0 && pid !== null,
        listening: false,
        pid,
        sinceMs: null,
        socket: socketPath,
        lastExit: valueIn(stdout, "last exit code") ?? null,
      };
    },
    logs: ({ lines, follow }) => ["tail", ...(follow ? ["-F"] : []), "-n", `${lines}`, logPath],
    advice: async () => [],
  };
}

function agentFile(path: string, { program, logPath }: ServiceSetting): ServiceFile {
  const words = program.map((word) => `    <string>${escaped(word)}</string>\n`).join("");
  const log = `  <key>StandardErrorPath</key>\n  <string>${escaped(logPath)}</string>\n</dict>\n</plist>`;
  const text = template("launchd/codex-authd.plist")
    .replace(/(?<=<key>ProgramArguments<\/key>\n {2}<array>\n)[\s\S]*?(?= {2}<\/array>)/, () => words)
    .replace(/<\/dict>\n<\/plist>/, () => log)
    .replace(/(?<=<!DOCTYPE [^>]*>\n)/, () => `<!-- ${MARK} -->\n`);
  return { path, text };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A line `name = value` of what `launchctl print` writes. */
function valueIn(text: string, name: string): string | undefined {
  return new RegExp(`^\\s*${name} = (.*)$`, "m").exec(text)?.[1];
}
