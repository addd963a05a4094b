import { Command } from "commander";
import { type CommandContext, type CommandScope, runCommand, withDaemonOptions } from "../command-scope.js";
import { EXIT } from "../exit-codes.js";
import { changeLines } from "../watch/change-lines.js";
import { liveView } from "../watch/live-view.js";

const HELP = `
On a terminal a live view, which q ends. Elsewhere one line a change, and with --json one object a line, the first of
which has all sessions.

Examples:
  codex-auth watch
  codex-auth watch --json | jq -r 'select(.event == "session/changed") | .cause'`;

/** `codex-auth watch`: every session and what happens to it, until somebody quits; restarts of the daemon are waited out. */
export function watchCommand(context: CommandContext): Command {
  return withDaemonOptions(new Command("watch"))
    .description("show all sessions live")
    .option("--json", "print JSON, one object a line")
    .addHelpText("after", HELP)
    .action((options) =>
      runCommand(context, options, async (scope) => {
        // Starts the daemon where none runs: the events themselves never do.
        await scope.client.listSessions();
        const { stdin, stdout } = scope.terminal;
        const isLive = !scope.output.isJson && stdout.isTTY === true && stdin.isTTY === true;
        return isLive ? liveView(scope.client, scope.terminal) : printChanges(scope);
      }),
    );
}

async function printChanges({ client, output, terminal }: CommandScope): Promise<number> {
  const quit = new AbortController();
  const stopListening = terminal.onInterrupt(() => quit.abort());
  try {
    for await (const event of client.events({ signal: quit.signal })) {
      output.result({ event: event.type, ...event.data }, () => changeLines(event, terminal.clock.now()));
    }
    return EXIT.done;
  } finally {
    stopListening();
  }
}
