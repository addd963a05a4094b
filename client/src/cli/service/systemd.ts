import { join } from "node:path";
import { ClientError } from "../../client-error.js";
import { systemdUnitFolder } from "../../service-paths.js";
import type { Command } from "./command-runner.js";
import { isThere, MARK, type ServiceFile } from "./service-file.js";
import type { ServiceManager, ServiceSetting, ServiceStatus } from "./service-manager.js";
import { template } from "./templates.js";

const SERVICE = "codex-authd.service";
const SOCKET = "codex-authd.socket";

const PROPERTIES =
  "ActiveState,ActiveEnterTimestamp,UnitFileState,MainPID,Result,ExecMainStatus,ExecMainExitTimestampMonotonic";

/** `systemctl --user` on units in `$XDG_CONFIG_HOME/systemd/user`. */
export function createSystemd(setting: ServiceSetting): ServiceManager {
  const { runner, env } = setting;
  const folder = systemdUnitFolder(env);
  const files = unitFiles(folder, setting);
  const show = async (unit: string, properties: string): Promise<Map<string, string>> => {
    const command = systemctl("show", "--timestamp=unix", `--property=${properties}`, unit);
    return parseProperties((await runner.run(command)).stdout);
  };
  return {
    name: "systemd",
    files,
    async check() {
      const { code, stderr } = await runner.run(systemctl("show", "--property=Version"));
      if (code !== 0) throw new ClientError("ERR_SERVICE_MANAGER", unreachable(env, stderr));
    },
    async activation(isChanged) {
      const enable = systemctl("enable", "--now", SOCKET, SERVICE);
      // A socket is not restarted under a service that uses it, so both are stopped.
      if (isChanged) return [systemctl("daemon-reload"), systemctl("stop", SOCKET, SERVICE), enable];
      const socket = await show(SOCKET, "ActiveState,UnitFileState");
      const service = await show(SERVICE, "UnitFileState");
      const isEnabled = [socket, service].every((unit) => unit.get("UnitFileState") === "enabled");
      return isEnabled && socket.get("ActiveState") === "active" ? [] : [enable];
    },
    async deactivation() {
      const units: string[] = [];
      for (const unit of [SOCKET, SERVICE]) if (await isThere(join(folder, unit))) units.push(unit);
      const before = units.length === 0 ? [] : [systemctl("disable", "--now", ...units)];
      return { before, after: [systemctl("daemon-reload")] };
    },
    start: async () => [systemctl("start", SOCKET, SERVICE)],
    stop: async () => [systemctl("stop", SOCKET, SERVICE)],
    restart: async () => [systemctl("restart", SERVICE)],
    async status() {
      const service = await show(SERVICE, PROPERTIES);
      const socket = await show(SOCKET, "ActiveState,UnitFileState");
      const installed = await isThere(join(folder, SERVICE));
      return statusOf({ service, socket, installed, socketPath: setting.socketPath });
    },
    logs: ({ lines, follow }) => [
      "journalctl",
      `--user-unit=${SERVICE}`,
      `--lines=${lines}`,
      "--output=cat",
      ...(follow ? ["--follow"] : []),
    ],
    async advice() {
      const linger = await runner.run([
        "loginctl",
        "show-user",
        `${setting.uid}`,
        "--property=Linger",
        "--value",
      ]);
      if (linger.stdout.trim() !== "no") return [];
      return [
        "The service ends when you log out. `loginctl enable-linger` keeps it, as on a machine without a desktop.",
      ];
    },
  };
}

function systemctl(...args: readonly string[]): Command {
  return ["systemctl", "--user", ...args];
}

function unitFiles(folder: string, { program, socketPath }: ServiceSetting): ServiceFile[] {
  const service = template("systemd/codex-authd.service");
  const socket = template("systemd/codex-authd.socket");
  const command = program.map(quoted).join(" ");
  return [
    {
      path: join(folder, SERVICE),
      text: `# ${MARK}\n${replaced(service, "ExecStart", command)}`,
    },
    {
      path: join(folder, SOCKET),
      text: `# ${MARK}\n${replaced(socket, "ListenStream", socketPath.replaceAll("%", "%%"))}`,
    },
  ];
}

/** A function, for `$` means something in a replacement. */
function replaced(unit: string, key: string, value: string): string {
  return unit.replace(new RegExp(`^${key}=.*$`, "m"), () => `${key}=${value}`);
}

/** One word of a command line: systemd.service(5), "COMMAND LINES". */
function quoted(word: string): string {
  const escaped = word
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("%", "%%")
    .replaceAll("$", "$$$$");
  return /^[\w./@:+=-]+$/.test(word) ? word : `"${escaped}"`;
}

function parseProperties(text: string): Map<string, string> {
  const entries = text.split("\n").map((line) => line.split(/=(.*)/s, 2));
  return new Map(entries.map(([name = "", value = ""]) => [name, value]));
}

interface Facts {
  readonly service: ReadonlyMap<string, string>;
  readonly socket: ReadonlyMap<string, string>;
  readonly installed: boolean;
  readonly socketPath: string;
}

function statusOf({ service, socket, installed, socketPath }: Facts): ServiceStatus {
  const active = service.get("ActiveState") === "active";
  const sinceSeconds = Number(service.get("ActiveEnterTimestamp")?.replace("@", ""));
  const hasEnded = !["", "0"].includes(service.get("ExecMainExitTimestampMonotonic") ?? "");
  return {
    manager: "systemd",
    installed,
    enabled: service.get("UnitFileState") === "enabled",
    active,
    listening: socket.get("ActiveState") === "active",
    pid: Number(service.get("MainPID")) || null,
    sinceMs: active && sinceSeconds > 0 ? sinceSeconds * 1_000 : null,
    socket: socketPath,
    lastExit: hasEnded ? `${service.get("Result")} (status ${service.get("ExecMainStatus")})` : null,
  };
}

function unreachable(env: ServiceSetting["env"], stderr: string): string {
  if (env.WSL_DISTRO_NAME) {
    return `This WSL runs no systemd. Write "[boot]" and "systemd=true" into /etc/wsl.conf and run \`wsl --shutdown\`.`;
  }
  if (!env.XDG_RUNTIME_DIR) {
    return `XDG_RUNTIME_DIR is not set, so this is no login session: log in directly instead of by su or cron, or set it to /run/user/UID.`;
  }
  return `No systemd of yours can be reached (${stderr.trim()}).`;
}
