import type { ChildEnvironment } from "@codex-authd/shared";
import t from "tap";
import { chooseFlow } from "#daemon/codex/environment.js";

const ROWS: readonly [string, ChildEnvironment["variables"] | undefined, NodeJS.Platform, string][] = [
  ["nobody said anything", undefined, "linux", "browser"],
  ["a Linux desktop (X)", { DISPLAY: ":0" }, "linux", "browser"],
  ["a Linux desktop (Wayland)", { WAYLAND_DISPLAY: "wayland-0" }, "linux", "browser"],
  ["a headless Linux", {}, "linux", "device"],
  ["a headless Linux with BROWSER", { BROWSER: "lynx" }, "linux", "browser"],
  ["a Mac", {}, "darwin", "browser"],
  ["SSH", { SSH_CONNECTION: "1.2.3.4 5 6.7.8.9 22", DISPLAY: ":10" }, "linux", "device"],
  ["SSH into a Mac", { SSH_TTY: "/dev/ttys001" }, "darwin", "device"],
  ["a container", { container: "podman", DISPLAY: ":0" }, "linux", "device"],
  ["WSL", { WSL_DISTRO_NAME: "Debian" }, "linux", "browser"],
  ["CI, whatever else", { CI: "true", DISPLAY: ":0", SSH_TTY: "/dev/pts/0" }, "linux", "none"],
];

t.test("chooseFlow", async (t) => {
  for (const [where, variables, platform, flow] of ROWS) {
    const choice = chooseFlow(variables && { cwd: "/", variables }, platform);
    t.equal(choice.flow, flow, where);
    t.match(choice.reason, /^(this|there|BROWSER|WSL)/, choice.reason);
  }
});
