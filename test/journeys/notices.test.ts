/** What the person at the machine is told when a login ends, through their hook and their desktop. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { createTestUser, startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { assertNoSecret, secretsOf } from "../helpers/leaked-secrets.js";
import { writeLogin } from "../helpers/logins.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

/** Programs that note how they were run. */
function createPrograms(t: Test) {
  const folder = temporaryFolder(t);
  const script = (name: string): string => {
    const path = join(folder, name);
    writeFileSync(
      path,
      `#!/bin/sh\n{ env; for word; do echo "word $word"; done; echo; } >> "${path}.said"\n`,
    );
    chmodSync(path, 0o755);
    return path;
  };
  const hook = script("hook");
  const notifySend = script("notify-send");
  const said = (path: string): string =>
    existsSync(`${path}.said`) ? readFileSync(`${path}.said`, "utf8") : "";
  return { folder, hook, notifySend, said };
}

t.test("a refused login is told once, by hook and desktop, and its end to the hook alone", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const programs = createPrograms(t);
  const daemon = await startDaemon(t, {
    issuer,
    config: { hook_command: [programs.hook, "an argument"] },
    env: { PATH: `${programs.folder}:${process.env.PATH}`, DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere" },
  });
  writeLogin(daemon.codexHome, issuer);
  issuer.revokeEverything();
  for (let count = 0; count < 3; count++) t.equal((await daemon.cli(["refresh"])).code, 3);
  await until("the desktop was told", () => programs.said(programs.notifySend).endsWith("\n\n"));
  await until("the hook was told", () => programs.said(programs.hook).endsWith("\n\n"));
  t.match(programs.said(programs.notifySend), /word Codex needs a new login\nword .*invalidated/);

  writeLogin(daemon.codexHome, issuer, createTestUser());
  t.equal((await daemon.cli(["status"])).code, 0);
  await until("the hook was told of the end", () => /EVENT=solved/.test(programs.said(programs.hook)));
  const told = programs.said(programs.hook);
  t.same(told.match(/^CODEX_AUTHD_EVENT=.*/gm), [
    "CODEX_AUTHD_EVENT=loginNeeded",
    "CODEX_AUTHD_EVENT=solved",
  ]);
  t.match(told, /^word an argument$/m);
  t.match(told, /^CODEX_AUTHD_REASON=ERR_REFRESH_REJECTED$/m);
  t.match(told, new RegExp(`^CODEX_AUTHD_CODEX_HOME=${daemon.codexHome}$`, "m"));
  t.match(told, /^CODEX_AUTHD_MESSAGE=.*invalidated/m);
  t.notMatch(told, /NODE_OPTIONS|DBUS/, "of the daemon's environment it has PATH and HOME");
  t.equal(programs.said(programs.notifySend).match(/^word Codex needs/gm)?.length, 1);
  assertNoSecret(told + programs.said(programs.notifySend), secretsOf(issuer), "what people are told");
});

t.test("notify = false shows nothing; a hook that fails is logged, and harms nothing", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const programs = createPrograms(t);
  const daemon = await startDaemon(t, {
    issuer,
    config: { notify: false, hook_command: ["/no/such/program"] },
    env: { PATH: `${programs.folder}:${process.env.PATH}`, DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere" },
  });
  writeLogin(daemon.codexHome, issuer);
  issuer.revokeEverything();
  await daemon.cli(["refresh"]);
  await until("it is logged", () => /"event":"notice.failed"[^\n]*ENOENT/.test(daemon.log()));
  t.equal(programs.said(programs.notifySend), "");
  t.equal((await daemon.cli(["token"])).code, 0, "an access token is served to its end");
});
