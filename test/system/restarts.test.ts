/** The short form of the restarts under a real service manager; `npm run proof -- restarts` does a hundred. */
import t from "tap";
import { requireRoot, requireTools } from "../helpers/system-tool.js";
import { restartUnderLoad } from "../proof/restarts.js";
import { systemdSupervisor } from "../proof/restarts-supervisors.js";

requireRoot();
requireTools("systemctl", "unshare");

t.test("no call fails while a socket-activated daemon is restarted and upgraded", async (t) => {
  const series = { kind: "socket-activated", start: systemdSupervisor, restarts: 5, callsPerSecond: 50 };
  const options = { isShort: true, note: () => {}, teardown: (end: () => unknown) => t.teardown(end) };
  for (const { name, value, bound, met } of await restartUnderLoad(series, options)) {
    t.not(met, false, `${name}: ${value} ${bound}`);
  }
});
