/** The agent as `codex-auth service install` writes it, read by a parser that refuses what is no property list. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createLaunchd } from "#client/cli/service/launchd.js";
import { requireTools, runTool } from "../helpers/system-tool.js";

requireTools("python3");

const PARSE = "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";

function parse(text: string): { code: number | null; agent: unknown } {
  const folder = mkdtempSync(join(tmpdir(), "plist-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "agent.plist"), text);
  const { code, stdout } = runTool(["python3", "-c", PARSE, join(folder, "agent.plist")]);
  return { code, agent: code === 0 ? JSON.parse(stdout) : undefined };
}

const [file] = createLaunchd({
  uid: 501,
  env: { HOME: "/Users/me" },
  socketPath: "/Users/me/.codex-authd/run/codex-authd.sock",
  logPath: "/Users/me/.local/state/codex-authd/codex-authd.log",
  program: ["/opt/node & more/bin/node", "/opt/<codex>/main.js"],
  runner: { run: async () => ({ code: 0, stdout: "", stderr: "" }), show: async () => 0 },
}).files;

t.test("a broken list is refused by the parser", async (t) => {
  t.not(parse((file?.text ?? "").replace("</dict>", "")).code, 0);
});

t.test("the agent says what it has to, whatever is in the paths", async (t) => {
  t.strictSame(parse(file?.text ?? "").agent, {
    Label: "codex-authd",
    ProgramArguments: ["/opt/node & more/bin/node", "/opt/<codex>/main.js"],
    Umask: 0o077,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ExitTimeOut: 90,
    StandardErrorPath: "/Users/me/.local/state/codex-authd/codex-authd.log",
  });
});

t.test(
  "the one in the repository is well-formed, and names no command but env, which macOS has",
  async (t) => {
    const text = readFileSync(new URL("../../../launchd/codex-authd.plist", import.meta.url), "utf8");
    t.match(parse(text).agent, { ProgramArguments: ["/usr/bin/env", "codex-authd"] });
  },
);
