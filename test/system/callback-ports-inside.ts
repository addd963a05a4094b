/** Run by codex-browser-login.test.ts: upstream's two ports, between our logins, those of the real Codex, and strangers. */
import { readFileSync, writeFileSync } from "node:fs";
import t, { type Test } from "tap";
import {
  createInstalledScene,
  type InstalledScene,
  startCodexLogin,
  startInstalledDaemon,
} from "../helpers/auth-openai-com.js";
import { approveLogin } from "../helpers/browser-user.js";
import { occupyPort } from "../helpers/port-occupant.js";

const PORT = 1455;
const FALLBACK_PORT = 1457;

async function beginOurs(t: Test, scene: InstalledScene) {
  const daemon = await startInstalledDaemon(t, scene, PORT);
  const login = daemon.startCli(["login", "--browser", "--no-browser", "--json"]);
  return { login, authorizationUrl: JSON.parse(await login.nextLine()).authorizationUrl };
}

const redirectOf = (authorizationUrl: string) => new URL(authorizationUrl).searchParams.get("redirect_uri");

t.test(
  "a `codex login` that waits on 1455 is ended by ours, which takes the port and succeeds",
  async (t) => {
    const scene = await createInstalledScene(t);
    const theirs = await startCodexLogin(t, scene);
    t.equal(redirectOf(theirs.authorizationUrl), `http://127.0.0.1:${PORT}/auth/callback`);
    const { login, authorizationUrl } = await beginOurs(t, scene);
    t.equal(redirectOf(authorizationUrl), `http://localhost:${PORT}/auth/callback`);
    t.match(await theirs.ended, { code: 1, stderr: /Login cancelled/ });
    await approveLogin(authorizationUrl, { ca: scene.certificate.ca });
    t.match(await login.ended, { code: 0 });
  },
);

t.test("a `codex login` ends ours on 1455, which says so, and takes the port", async (t) => {
  const scene = await createInstalledScene(t);
  const { login } = await beginOurs(t, scene);
  const theirs = await startCodexLogin(t, scene);
  t.match(await login.ended, { code: 1, stdout: /ERR_LOGIN_CANCELLED.*another program that starts a login/ });
  t.equal(redirectOf(theirs.authorizationUrl), `http://127.0.0.1:${PORT}/auth/callback`);
  await approveLogin(theirs.authorizationUrl, { ca: scene.certificate.ca });
  t.match(await theirs.ended, { code: 0 });
});

t.test("1455 in other hands: 1457 is taken, by ours and by `codex login` alike", async (t) => {
  await occupyPort(t, { port: PORT });
  for (const begin of [beginOurs, startCodexLogin]) {
    await t.test(begin.name, async (t) => {
      const { authorizationUrl } = await begin(t, await createInstalledScene(t));
      t.match(redirectOf(authorizationUrl), `:${FALLBACK_PORT}/auth/callback`);
    });
  }
});

t.test("both in other hands: the holder of each is named", async (t) => {
  for (const port of [PORT, FALLBACK_PORT]) await occupyPort(t, { port });
  const daemon = await startInstalledDaemon(t, await createInstalledScene(t), PORT);
  const { code, stderr } = await daemon.cli(["login", "--browser", "--no-browser"]);
  t.equal(code, 75);
  const held = `\\(in use by node\\S* ?\\S*, process ${process.pid}\\)`;
  t.match(stderr, new RegExp(`got none: ${PORT} ${held}, ${FALLBACK_PORT} ${held}\\. End the program`));
});

t.test("where localhost is IPv6 only, the redirect names the address, and the login succeeds", async (t) => {
  const before = readFileSync("/etc/hosts", "utf8");
  t.teardown(() => writeFileSync("/etc/hosts", before));
  writeFileSync("/etc/hosts", "::1 localhost\n127.0.0.1 auth.openai.com\n");
  const scene = await createInstalledScene(t);
  const { login, authorizationUrl } = await beginOurs(t, scene);
  t.equal(redirectOf(authorizationUrl), `http://127.0.0.1:${PORT}/auth/callback`);
  await approveLogin(authorizationUrl, { ca: scene.certificate.ca });
  t.match(await login.ended, { code: 0 });
});
