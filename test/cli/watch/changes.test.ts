/** `codex-auth watch` where there is no terminal. */
import t from "tap";
import { startAuthorizationServer } from "../../helpers/authorization-server.js";
import { startDaemon } from "../../helpers/daemon.js";
import { writeLogin } from "../../helpers/logins.js";

const issuer = await startAuthorizationServer(t);
const daemon = await startDaemon(t, { issuer });
writeLogin(daemon.codexHome, issuer);

t.test("with --json: all sessions first, then each change, until SIGTERM", async (t) => {
  const child = daemon.startCli(["watch", "--json"]);
  const first = JSON.parse(await child.nextLine());
  t.match(first, { event: "snapshot", sessions: [{ codexHome: daemon.codexHome }] });
  await daemon.cli(["refresh"]);
  let change = JSON.parse(await child.nextLine());
  while (change.cause !== "refresh") change = JSON.parse(await child.nextLine());
  t.match(change, { event: "session/changed", session: { email: "me@example.com" } });
  child.kill("SIGTERM");
  t.match(await child.ended, { code: 0 });
});

t.test("in words, without any escapes", async (t) => {
  const child = daemon.startCli(["watch"]);
  const line = await child.nextLine();
  t.match(line, /^\d\d:\d\d .*: Logged in as me@example\.com/);
  t.notOk(line.includes("\u001b"));
  child.kill("SIGTERM");
  t.match(await child.ended, { code: 0 });
});
