import { type Clock, sleep } from "@codex-authd/shared";
import { Command } from "commander";
import type { AuthClient } from "../../auth-client.js";
import type { DaemonStatus } from "../../call-options.js";
import { ClientError } from "../../client-error.js";
import { isProcessAlive } from "../../process-alive.js";
import { type CommandContext, type CommonOptions, runCommand, withCommonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { formatMoment, printable } from "../format.js";

/** How long a daemon may take to drain: it waits for a refresh in flight, which the issuer may hold for 45 s. */
const STOP_DEADLINE_MS = 60_000;

const POLL_MS = 50;

/** `codex-auth daemon status|start|stop`. */
export function daemonCommand(context: CommandContext): Command {
  return new Command("daemon")
    .description("look at, start or stop the daemon")
    .addCommand(statusCommand(context))
    .addCommand(startCommand(context))
    .addCommand(stopCommand(context));
}

function statusCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("status"))
    .description("show the running daemon; never starts one")
    .addHelpText("after", "\nExample:\n  codex-auth daemon status")
    .action((options: CommonOptions) =>
      runCommand(context, options, async ({ client, output, terminal }) => {
        const status = await client.getDaemonStatus();
        output.result(status, () => daemonLines(status, terminal.clock.now()));
        return EXIT.done;
      }),
    );
}

function startCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("start"))
    .description("start the daemon if none is running")
    .addHelpText("after", "\nExample:\n  codex-auth daemon start")
    .action((options: CommonOptions) =>
      runCommand(context, options, async ({ client, output, terminal }) => {
        if (!(await isRunning(client))) await client.startDaemon();
        const status = await client.getDaemonStatus();
        output.result(status, () => daemonLines(status, terminal.clock.now()));
        return EXIT.done;
      }),
    );
}

function stopCommand(context: CommandContext): Command {
  return withCommonOptions(new Command("stop"))
    .description("let the daemon finish what it does, and end it")
    .addHelpText("after", "\nExample:\n  codex-auth daemon stop")
    .action((options: CommonOptions) =>
      runCommand(context, options, async ({ client, output, terminal }) => {
        const stopped = await stop(client, terminal.clock);
        output.result({ stopped }, () => [stopped ? "The daemon has stopped." : "No daemon is running."]);
        return EXIT.done;
      }),
    );
}

/** A daemon of another protocol is asked all the same: to stop it is the way to upgrade it. */
async function stop(client: AuthClient, clock: Clock): Promise<boolean> {
  try {
    const { pid } = await client.getDaemonStatus();
    await client.shutdownDaemon();
    await waitForEnd(pid, clock);
    return true;
  } catch (error) {
    if (hasCode(error, "ERR_DAEMON_NOT_RUNNING")) return false;
    if (!hasCode(error, "ERR_DAEMON_VERSION")) throw error;
    await client.shutdownDaemon().catch(ignoreVersion);
    return true;
  }
}

async function waitForEnd(pid: number, clock: Clock): Promise<void> {
  const deadlineAtMs = clock.now() + STOP_DEADLINE_MS;
  while (isProcessAlive(pid)) {
    if (clock.now() > deadlineAtMs) {
      throw new ClientError(
        "ERR_DAEMON_TIMEOUT",
        `The daemon (process ${pid}) is still draining after 60 s. Look at its log.`,
      );
    }
    await sleep(clock, POLL_MS);
  }
}

async function isRunning(client: AuthClient): Promise<boolean> {
  try {
    await client.getDaemonStatus();
    return true;
  } catch (error) {
    if (hasCode(error, "ERR_DAEMON_NOT_RUNNING")) return false;
    throw error;
  }
}

function daemonLines(status: DaemonStatus, nowMs: number): string[] {
  const sessions = status.sessionCount === 1 ? "1 session" : `${status.sessionCount} sessions`;
  return [
    `The daemon is running: codex-authd ${printable(status.version)}, process ${status.pid}, ${sessions}.`,
    `  since   ${formatMoment(status.startedAtMs, nowMs)}`,
    `  socket  ${printable(status.socket)}`,
  ];
}

function ignoreVersion(error: unknown): void {
  if (!hasCode(error, "ERR_DAEMON_VERSION")) throw error;
}

function hasCode(error: unknown, code: ClientError["code"]): boolean {
  return error instanceof ClientError && error.code === code;
}
