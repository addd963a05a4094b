import { fileURLToPath } from "node:url";
import t from "tap";
import { createProgram } from "#client/cli/program.js";
import { processTerminal } from "#client/cli/terminal.js";
import { settingsSchema } from "#daemon/config/schema.js";
import { requireTools, runTool } from "../helpers/system-tool.js";

requireTools("col", "mandoc");

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CLIENT_PAGE = `${ROOT}client/man/codex-auth.1`;
const DAEMON_PAGE = `${ROOT}daemon/man/codex-authd.8`;

/** Without the overstrikes that make a terminal's bold. */
function shown(page: string): string {
  return runTool(["sh", "-c", 'mandoc -Tutf8 "$1" | col -b', "sh", page]).stdout;
}

t.test("both pages are clean to a man page's own checker, but for their age", async (t) => {
  const { stdout } = runTool(["mandoc", "-Tlint", "-Wwarning", CLIENT_PAGE, DAEMON_PAGE]);
  const complaints = stdout.split("\n").filter((line) => line !== "" && !line.includes("missing date"));
  t.same(complaints, []);
});

t.test("codex-auth(1) has every command, its own options, and the exit codes", async (t) => {
  const text = shown(CLIENT_PAGE);
  const { commands } = createProgram({ terminal: processTerminal(), commandName: "", finish: () => {} });
  t.ok(commands.length > 7);
  for (const command of commands) t.match(text, `codex-auth ${command.name()}`);
  t.match(text, /--callback-port/);
  t.match(text, /75 try again later/);
  t.equal(text.split("--codex-home <dir>").length, 2, "a common option is described once");
});

t.test("codex-authd(8) has every flag and every key of the configuration", async (t) => {
  const text = shown(DAEMON_PAGE);
  for (const flag of ["--socket", "--config", "--log-level"]) t.match(text, flag);
  for (const key of Object.keys(settingsSchema.shape)) t.match(text, key);
});
