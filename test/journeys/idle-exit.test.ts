/** `idle_exit_seconds`: the daemon leaves when nobody needs it, and only then. */
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { until } from "../helpers/until.js";

async function setUp(t: Test): Promise<Daemon> {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer, config: { idle_exit_seconds: 1 } });
  writeLogin(daemon.codexHome, issuer);
  return daemon;
}

async function hasLeft(daemon: Daemon): Promise<void> {
  await until("the daemon has left", () => daemon.log().includes('"daemon.stopped"'));
}

/** Looks for as long as an idle daemon would need to leave, and longer. */
async function staysFor(daemon: Daemon, seconds: number): Promise<boolean> {
  const untilMs = Date.now() + seconds * 1_000;
  await until("the time is over", () => Date.now() > untilMs);
  return !daemon.log().includes('"daemon.stopping"');
}

t.test(
  "a daemon that holds a file login leaves when nobody calls, and the next caller gets the token",
  async (t) => {
    const daemon = await setUp(t);
    t.equal((await daemon.cli(["status"])).code, 0);
    await hasLeft(daemon);
    t.match(daemon.log(), /"daemon\.stopping","reason":"idle"/);
    const { stdout } = await daemon.cli(["token"]);
    t.equal(stdout.trim(), readAuthJson(daemon.codexHome).tokens.access_token);
  },
);

t.test("an open event stream, a pending login and a memory login keep it", async (t) => {
  const daemon = await setUp(t);
  const client = daemon.client();
  const watching = new AbortController();
  const events = client.events({ signal: watching.signal });
  await events.next();
  t.ok(await staysFor(daemon, 2.5), "somebody watches");

  const selector = { codexHome: daemon.codexHome, storage: "memory", sessionName: "work" } as const;
  const login = await client.beginLogin({ ...selector, flow: "browser" });
  watching.abort();
  t.ok(await staysFor(daemon, 2.5), "somebody is logging in");

  if (login.flow === "browser") await approveLogin(login.authorizationUrl);
  await client.awaitLogin(login);
  t.ok(await staysFor(daemon, 2.5), "what is in memory only would be lost");

  await client.logout(selector);
  await hasLeft(daemon);
});
