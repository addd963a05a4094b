import { Command } from "commander";
import type { AuthClient } from "../../auth-client.js";
import { ClientError } from "../../client-error.js";
import { type CommandContext, runCommand } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { formatMoment } from "../format.js";
import type { Output } from "../output.js";
import { processRunner, type Command as ServiceCommand } from "../service/command-runner.js";
import { carryOut, type FileChange, planRemoving, planWriting } from "../service/service-file.js";
import type { ServiceManager, ServiceStatus } from "../service/service-manager.js";
import { serviceManager } from "../service/setting.js";
import { stopDaemon } from "../stop-daemon.js";
import type { Terminal } from "../terminal.js";

interface ServiceOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

interface ServiceScope {
  readonly manager: ServiceManager;
  readonly client: AuthClient;
  readonly output: Output;
  readonly terminal: Terminal;
  readonly dryRun: boolean;
}

/** What was done, or would be. */
interface Report {
  readonly files: readonly FileChange[];
  readonly commands: readonly ServiceCommand[];
  readonly notes?: readonly string[];
}

/** `codex-auth service install|uninstall|start|stop|restart|status|logs`. */
export function serviceCommand(context: CommandContext): Command {
  const service = new Command("service").description(
    "run the daemon as a service of your login (systemd, launchd)",
  );
  const change = (name: string, words: string, body: (scope: ServiceScope) => Promise<Report>): void => {
    service
      .command(name)
      .description(words)
      .option("--json", "print JSON instead of words")
      .option("--dry-run", "say what would be done, and do nothing")
      .addHelpText("after", `\nExample:\n  codex-auth service ${name}`)
      .action((options: ServiceOptions) =>
        runService(context, options, async (scope) => report(scope, await body(scope))),
      );
  };
  change("install", "write the service's files, and start it now and at every login", install);
  change("uninstall", "stop the service, and remove its files", uninstall);
  change("start", "start the service", (scope) => carryOutAll(scope, scope.manager.start));
  change("stop", "stop the service until the next login", (scope) => carryOutAll(scope, scope.manager.stop));
  change("restart", "start the daemon anew; callers wait for it", (scope) =>
    carryOutAll(scope, scope.manager.restart),
  );
  return service.addCommand(statusCommand(context)).addCommand(logsCommand(context));
}

function statusCommand(context: CommandContext): Command {
  return new Command("status")
    .description("show whether the service is installed, and how it is")
    .option("--json", "print JSON instead of words")
    .addHelpText("after", "\nExample:\n  codex-auth service status")
    .action((options: ServiceOptions) =>
      runService(context, options, async ({ manager, output, terminal }) => {
        const status = await manager.status();
        output.result(status, () => statusLines(status, terminal.clock.now()));
        return EXIT.done;
      }),
    );
}

function logsCommand(context: CommandContext): Command {
  return new Command("logs")
    .description("show the end of the service's log")
    .option("-n, --lines <number>", "how many lines", "50")
    .option("-f, --follow", "go on with what comes, until Ctrl-C")
    .addHelpText("after", "\nExample:\n  codex-auth service logs -f")
    .action((options: { readonly lines: string; readonly follow?: boolean }) =>
      runService(context, {}, async ({ manager, terminal }) => {
        const lines = Number(options.lines);
        if (!Number.isInteger(lines) || lines < 0)
          throw new TypeError(`--lines takes a number, not ${options.lines}.`);
        const { show } = terminal.services?.runner ?? processRunner;
        return (await show(manager.logs({ lines, follow: options.follow === true }))) === 0
          ? EXIT.done
          : EXIT.failed;
      }),
    );
}

function runService(
  context: CommandContext,
  options: ServiceOptions,
  body: (scope: ServiceScope) => Promise<number>,
): Promise<void> {
  return runCommand(context, { ...options, autostart: false }, async ({ client, output, terminal }) => {
    const manager = serviceManager(terminal);
    await manager.check();
    return body({ manager, client, output, terminal, dryRun: options.dryRun === true });
  });
}

async function install(scope: ServiceScope): Promise<Report> {
  const { manager, dryRun } = scope;
  const files = await planWriting(manager.files);
  if (!dryRun) await carryOut(files, manager.files);
  const isChanged = files.some(({ change }) => change !== "unchanged");
  const notes = dryRun ? [] : await endOther(scope);
  const { commands } = await carryOutAll(scope, () => manager.activation(isChanged));
  return { files, commands, notes: [...notes, ...(await manager.advice())] };
}

/** A daemon that was started by hand or on demand is in the way of the service's. */
async function endOther({ manager, client, terminal }: ServiceScope): Promise<string[]> {
  const { active, listening } = await manager.status();
  if (active || listening || !(await stopDaemon(client, terminal.clock))) return [];
  return ["The daemon that ran before was stopped; memory logins ended with it."];
}

async function uninstall(scope: ServiceScope): Promise<Report> {
  const { manager, dryRun } = scope;
  const files = await planRemoving(manager.files);
  if (files.every(({ change }) => change === "absent")) return { files, commands: [] };
  const { before, after } = await manager.deactivation();
  await carryOutAll(scope, async () => before);
  if (!dryRun) await carryOut(files, manager.files);
  await carryOutAll(scope, async () => after);
  return { files, commands: [...before, ...after] };
}

async function carryOutAll(
  { terminal, dryRun }: ServiceScope,
  plan: () => Promise<readonly ServiceCommand[]>,
): Promise<Report> {
  const commands = await plan();
  const { run } = terminal.services?.runner ?? processRunner;
  for (const command of dryRun ? [] : commands) {
    const { code, stderr } = await run(command);
    if (code !== 0) {
      const words = `\`${command.join(" ")}\` failed (exit ${code}): ${stderr.trim()}`;
      throw new ClientError("ERR_SERVICE_MANAGER", `${words} Look at \`codex-auth service logs\`.`);
    }
  }
  return { files: [], commands };
}

function report({ manager, output, dryRun }: ServiceScope, { files, commands, notes = [] }: Report): number {
  output.result({ manager: manager.name, dryRun, files, commands, notes }, () => [
    ...(dryRun ? ["Nothing is done; this would be:"] : []),
    ...files.map(({ path, change }) => `  ${change.padEnd(9)} ${path}`),
    ...commands.map((command) => `  ${(dryRun ? "run" : "ran").padEnd(9)} ${command.join(" ")}`),
    ...(commands.length === 0 ? ["Nothing to do."] : []),
    ...notes,
  ]);
  return EXIT.done;
}

function statusLines(status: ServiceStatus, nowMs: number): string[] {
  if (!status.installed) return ["The service is not installed. `codex-auth service install` does it."];
  const running = status.active ? `runs as process ${status.pid}` : "does not run";
  const waiting = status.listening && !status.active ? "; the first caller starts it" : "";
  return [
    `The daemon ${running}${waiting} (${status.manager}).`,
    ...(status.sinceMs === null ? [] : [`  since      ${formatMoment(status.sinceMs, nowMs)}`]),
    `  at login   ${status.enabled ? "starts" : "does not start"}`,
    `  socket     ${status.socket}`,
    ...(status.lastExit === null ? [] : [`  last exit  ${status.lastExit}`]),
  ];
}
