import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { desktopCommand, hookCommand } from "#daemon/notice/commands.js";
import type { Notice } from "#daemon/notice/problems.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const NOTICE: Notice = {
  event: "loginNeeded",
  codexHome: "/home/a/<b>",
  sessionName: null,
  reason: "ERR_REFRESH_REJECTED",
  message: '"; do shell script "x" & <i>',
};
const ENV = { PATH: "/bin", HOME: "/home/a", OPENAI_API_KEY: "sk-secret", LD_PRELOAD: "/x.so" };
const BUS = { ...ENV, DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/bus" };

t.test("the hook gets the facts, PATH and HOME, and nothing else of the daemon's environment", async (t) => {
  t.same(hookCommand(["/opt/tell", "me"], NOTICE, ENV), {
    program: "/opt/tell",
    args: ["me"],
    env: {
      PATH: "/bin",
      HOME: "/home/a",
      CODEX_AUTHD_EVENT: "loginNeeded",
      CODEX_AUTHD_CODEX_HOME: "/home/a/<b>",
      CODEX_AUTHD_REASON: "ERR_REFRESH_REJECTED",
      CODEX_AUTHD_MESSAGE: NOTICE.message,
    },
  });
});

t.test("Linux: notify-send, without markup, where there is a session bus", async (t) => {
  t.same(desktopCommand(NOTICE, BUS, "linux"), {
    program: "notify-send",
    args: [
      "--app-name=codex-authd",
      "--",
      "Codex needs a new login",
      '/home/a/&lt;b&gt;: "; do shell script "x" &amp; &lt;i&gt;',
    ],
    env: { PATH: "/bin", HOME: "/home/a", DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/bus" },
  });
  const runtime = temporaryFolder(t);
  t.equal(desktopCommand(NOTICE, { ...ENV, XDG_RUNTIME_DIR: runtime }, "linux"), undefined);
  writeFileSync(join(runtime, "bus"), "");
  t.match(desktopCommand(NOTICE, { ...ENV, XDG_RUNTIME_DIR: runtime }, "linux"), {
    env: { XDG_RUNTIME_DIR: runtime },
  });
  t.equal(desktopCommand(NOTICE, ENV, "linux"), undefined);
});

t.test("macOS: the words are arguments of the script, never a part of it", async (t) => {
  const command = desktopCommand(NOTICE, ENV, "darwin");
  t.match(command, { program: "osascript", env: { PATH: "/bin", HOME: "/home/a" } });
  t.same(command?.args.slice(-2), ["Codex needs a new login", `/home/a/<b>: ${NOTICE.message}`]);
  t.notMatch(command?.args.slice(0, -2).join("\n"), /do shell script|<b>/);
});

t.test("good news is not shown on a desktop", async (t) => {
  t.equal(desktopCommand({ ...NOTICE, event: "solved" }, BUS, "linux"), undefined);
  t.equal(desktopCommand({ ...NOTICE, event: "solved" }, ENV, "darwin"), undefined);
});
