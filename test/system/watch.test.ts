/** The live view on a real terminal, which it gives back as it was, however it ends. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { requireTools, runTool } from "../helpers/system-tool.js";

requireTools("python3");

const CLI = fileURLToPath(new URL("../../../client/dist/cli/codex-auth.cjs", import.meta.url));

const issuer = await startAuthorizationServer(t);
const daemon = await startDaemon(t, { issuer });
writeLogin(daemon.codexHome, issuer);

/** Runs the view on a pty, does something once it is drawn, and prints what came, how it ended, and how the terminal is. */
const DRIVER = `
import fcntl, json, os, pty, select, signal, struct, sys, termios, time
act, columns = sys.argv[1], int(sys.argv[2])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
before, seen, acted = termios.tcgetattr(fd), b"", False
deadline = time.time() + 25
while time.time() < deadline:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    if not acted and b"me@example.com" in seen and seen.count(b"\\x1b[?2026l") > 1:
        acted = True
        if act == "TERM": os.kill(pid, signal.SIGTERM)
        else: os.write(fd, act.encode().decode("unicode_escape").encode("latin1"))
_, status = os.waitpid(pid, 0)
after = termios.tcgetattr(fd)
print(json.dumps({"seen": seen.decode("utf8", "replace"), "code": os.waitstatus_to_exitcode(status), "cooked": bool(after[3] & termios.ICANON), "acted": acted}))
`;

const driver = join(daemon.home, "driver.py");
writeFileSync(driver, DRIVER);

function watch(act: string, columns: number, env: Record<string, string> = {}) {
  const { PATH, HOME, CODEX_AUTHD_SOCKET } = daemon.env;
  const variables = { PATH, HOME, CODEX_AUTHD_SOCKET, TERM: "xterm-256color", LANG: "C.UTF-8", ...env };
  const { stdout, stderr } = runTool(
    ["python3", driver, act, String(columns), process.execPath, CLI, "watch"],
    variables,
  );
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as { seen: string; code: number; cooked: boolean; acted: boolean };
}

for (const [name, act] of [
  ["q", "q"],
  ["Ctrl-C", "\\x03"],
  ["Ctrl-D", "\\x04"],
  ["SIGTERM", "TERM"],
] as const) {
  t.test(`${name} quits, and gives the terminal back`, async (t) => {
    const { seen, code, cooked, acted } = watch(act, 60);
    t.ok(acted, seen);
    t.equal(code, 0);
    t.ok(cooked, "lines and signals are the terminal's again");
    t.ok(seen.startsWith("\u001b[?1049h\u001b[?25l"), "the alternate screen, without a cursor");
    t.ok(seen.endsWith("\u001b[?25h\u001b[?1049l"), "and back");
  });
}

t.test("it does not flicker: nothing is cleared before it is drawn, and a frame comes whole", async (t) => {
  const { seen } = watch("q", 120);
  t.notOk(seen.includes("\u001b[2J"), "the screen is never cleared");
  const frames = seen.split("\u001b[?2026h").slice(1);
  t.ok(frames.length > 1);
  for (const frame of frames) t.ok(frame.startsWith("\u001b[H") && frame.includes("\u001b[J\u001b[?2026l"));
  t.match(seen, /ACCOUNT .*CODEX HOME/);
});

t.test("NO_COLOR takes the colours away, and nothing else", async (t) => {
  const bold = "\u001b[1m";
  t.ok(watch("q", 60).seen.includes(bold));
  const { seen } = watch("q", 60, { NO_COLOR: "1" });
  t.notOk(seen.includes(bold));
  t.notOk(seen.includes("\u001b[32m"));
  t.match(seen, /me@example\.com/);
});
