/** What runs services of a user on this platform, as far as we need it. */
import type { Command, CommandRunner } from "./command-runner.js";
import type { ServiceFile } from "./service-file.js";

export interface ServiceManager {
  readonly name: "systemd" | "launchd";
  readonly files: readonly ServiceFile[];
  /** @throws ClientError ERR_SERVICE_MANAGER with the way out, when it cannot be reached from here */
  check(): Promise<void>;
  /** Commands once the files are written; `isChanged` when one of them is new or other than before. */
  activation(isChanged: boolean): Promise<readonly Command[]>;
  /** Commands before the files are removed, and after. */
  deactivation(): Promise<{ readonly before: readonly Command[]; readonly after: readonly Command[] }>;
  start(): Promise<readonly Command[]>;
  stop(): Promise<readonly Command[]>;
  restart(): Promise<readonly Command[]>;
  status(): Promise<ServiceStatus>;
  logs(options: LogOptions): Command;
  /** What a person should know once it is installed. */
  advice(): Promise<readonly string[]>;
}

export interface ServiceStatus {
  readonly manager: ServiceManager["name"];
  readonly installed: boolean;
  /** Starts by itself at the next login. */
  readonly enabled: boolean;
  /** The daemon runs. */
  readonly active: boolean;
  /** The manager listens, and starts the daemon at the first call. */
  readonly listening: boolean;
  readonly pid: number | null;
  readonly sinceMs: number | null;
  readonly socket: string;
  /** How the last run ended, in the manager's words; `null` when nothing has. */
  readonly lastExit: string | null;
}

export interface LogOptions {
  readonly lines: number;
  readonly follow: boolean;
}

/** What a service manager is made from. */
export interface ServiceSetting {
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly socketPath: string;
  readonly logPath: string;
  /** The daemon's program with absolute paths, and its arguments. */
  readonly program: readonly string[];
  readonly runner: CommandRunner;
}
