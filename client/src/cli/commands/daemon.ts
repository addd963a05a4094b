import { Command } from "commander";
import type { AuthClient } from "../../auth-client.js";
import type { DaemonStatus } from "../../call-options.js";
import { type CommandContext, type CommonOptions, runCommand, withCommonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { formatMoment, printable } from "../format.js";
import { hasCode, stopDaemon } from "../stop-daemon.js";

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
        const stopped = await stopDaemon(client, terminal.clock);
        output.result({ stopped }, () => [stopped ? "The daemon has stopped." : "No daemon is running."]);
        return EXIT.done;
      }),
    );
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
    ...(status.warnings ?? []).map((warning) => `  warning ${printable(warning)}`),
  ];
}
