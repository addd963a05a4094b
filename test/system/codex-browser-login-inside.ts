/** Run by codex-browser-login.test.ts, in a network where auth.openai.com is 127.0.0.1. */
import t from "tap";
import { UPSTREAM_REQUESTS } from "../fixtures/upstream-requests.js";
import {
  createInstalledScene,
  ISSUER,
  startCodexLogin,
  startInstalledDaemon,
} from "../helpers/auth-openai-com.js";
import { approveLogin } from "../helpers/browser-user.js";
import { loginStatus } from "../helpers/codex.js";
import { readAuthJson } from "../helpers/logins.js";
import { assertSame } from "../helpers/request-shapes.js";

t.test("a login that `codex login` makes in the browser is shown, served and refreshed", async (t) => {
  const scene = await createInstalledScene(t);
  const { certificate, issuer, codex } = scene;
  const theirs = await startCodexLogin(t, scene);
  await approveLogin(theirs.authorizationUrl, { ca: certificate.ca });
  t.match(await theirs.ended, { code: 0 });
  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  const [authorization, codeExchange] = [issuer.requestsTo("authorize")[0], issuer.requestsTo("token")[0]];
  assertSame(t, authorization, UPSTREAM_REQUESTS.authorization);
  assertSame(t, codeExchange, UPSTREAM_REQUESTS.codeExchange);
  const before = readAuthJson(codex.path);

  const daemon = await startInstalledDaemon(t, scene);
  const status = JSON.parse((await daemon.cli(["status", "--json"])).stdout);
  t.match(status, { state: "active", authMode: "chatgpt", email: "me@example.com", planType: "pro" });
  t.match(status, { accountId: "acct-fake-0001", issuer: ISSUER, flow: null, warnings: [] });
  t.equal((await daemon.cli(["token"])).stdout.trim(), before.tokens.access_token);

  t.equal((await daemon.cli(["refresh"])).code, 0);
  const after = readAuthJson(codex.path);
  t.not(after.tokens.refresh_token, before.tokens.refresh_token);
  t.equal(after.OPENAI_API_KEY, before.OPENAI_API_KEY);
  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  t.strictSame(issuer.violations, []);
  t.equal(issuer.reuses, 0);
});

t.test("a login that we make at auth.openai.com is one for the real Codex", async (t) => {
  const scene = await createInstalledScene(t);
  const daemon = await startInstalledDaemon(t, scene);
  const login = daemon.startCli(["login", "--browser", "--no-browser", "--json"]);
  await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl, { ca: scene.certificate.ca });
  t.equal((await login.ended).code, 0);
  t.equal(await loginStatus(scene.codex), "Logged in using ChatGPT");
  t.strictSame(scene.issuer.violations, []);
});
