/** The examples for whoever hosts Codex, as a reader runs them: what they print is true, and nothing of them stays. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { type Run, startNode } from "../helpers/child.js";
import { createPlace } from "../helpers/daemon-place.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const EXAMPLES = fileURLToPath(new URL("../../../examples/dist/", import.meta.url));

async function runOffline(t: Test, name: string): Promise<Run> {
  const folder = temporaryFolder(t);
  const env = { PATH: process.env.PATH, TMPDIR: folder };
  const example = startNode([join(EXAMPLES, "offline.js"), name], { env, cwd: folder });
  t.teardown(() => example.kill("SIGKILL"));
  const run = await example.ended;
  t.same(readdirSync(folder), [], "no file stays");
  return run;
}

t.test("a name that no example has is answered with those that there are", async (t) => {
  t.match(await runOffline(t, "nonsense"), {
    code: 2,
    stdout: "Name an example: host-with-ten-agents, own-login-screen, remote-app-server.\n",
  });
});

t.test("ten agents whose token is refused at once all answer, after one exchange", async (t) => {
  const { code, stdout, stderr } = await runOffline(t, "host-with-ten-agents");
  t.equal(code, 0, stderr);
  t.equal(stderr, "");
  t.match(stdout, /^Working as me@example\.com\.\n/);
  t.equal(stdout.match(/^agent \d+: Hello from loopback\.$/gm)?.length, 10);
  t.match(stdout, /Exchanges at the issuer: 1\.\n$/);
});

t.test("a login screen of one's own takes somebody through a login", async (t) => {
  const { code, stdout, stderr } = await runOffline(t, "own-login-screen");
  t.equal(code, 0, stderr);
  t.match(stdout, /Log in [\s\S]*Welcome, me@example\.com\.\n/);
});

t.test("on it a login can be cancelled, and what is pasted amiss ends nothing", async (t) => {
  const place = createPlace(t, { issuer: await startAuthorizationServer(t), env: { BROWSER: "true" } });
  const screen = startNode([join(EXAMPLES, "own-login-screen.js")], { env: place.env, cwd: place.home });
  const lineThat = async (is: (line: string) => boolean): Promise<string> => {
    for (;;) {
      const line = await screen.nextLine();
      if (is(line)) return line;
    }
  };
  await lineThat((line) => line.includes("Type c to cancel"));
  screen.write("nonsense\n");
  t.notMatch(await lineThat((line) => !line.endsWith("s left")), /Welcome|ERR_/);
  screen.write("c\n");
  const { code, stdout } = await screen.ended;
  t.equal(code, 1);
  t.match(stdout, /ERR_LOGIN_CANCELLED: /);
});

t.test("a remote app-server works with the login of this machine", async (t) => {
  const { code, stdout, stderr } = await runOffline(t, "remote-app-server");
  t.equal(code, 0, stderr);
  t.match(stdout, /^Connected to remote-example\/.*, as me@example\.com\.\nHello from loopback\.\n/);
});
