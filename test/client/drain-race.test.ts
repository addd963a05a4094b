import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";

const CALLERS = 10;

for (const word of ["has stopped", "has only said that it will"]) {
  t.test(`ten callers at once are served right after the daemon ${word}`, async (t) => {
    const issuer = await startAuthorizationServer(t);
    const daemon = await startDaemon(t, { issuer });
    writeLogin(daemon.codexHome, issuer);
    if (word === "has stopped") t.equal((await daemon.cli(["daemon", "stop"])).code, 0);
    else await daemon.client().shutdownDaemon();
    const runs = await Promise.all(Array.from({ length: CALLERS }, () => daemon.cli(["status"])));
    for (const { code, stderr } of runs) t.strictSame({ code, stderr }, { code: 0, stderr: "" });
  });
}
