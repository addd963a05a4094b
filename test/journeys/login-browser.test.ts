import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createTestUser, userLabel } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { loginStatus } from "../helpers/codex.js";
import { readAuthJson } from "../helpers/logins.js";
import { createScene, modelCalls } from "../helpers/real-codex-scene.js";

const BROWSER = ["login", "--browser", "--no-browser", "--json"];

t.test("a login in the browser serves our callers and the real Codex alike", async (t) => {
  const scene = await createScene(t);
  const { issuer, backend, codex } = scene;
  const daemon = await scene.startDaemon();

  const login = daemon.startCli(BROWSER);
  const prompt = JSON.parse(await login.nextLine());
  t.match(prompt, { event: "authorization", flow: "browser", expiresAtMs: Number });
  const page = await approveLogin(prompt.authorizationUrl);
  t.match(page, { status: 200, body: /You are signed in/ });
  t.match(page.body, "me<wbr>@example<wbr>.com");
  const { code, stderr } = await login.ended;
  t.strictSame({ code, stderr }, { code: 0, stderr: "" });
  t.match(JSON.parse(await login.nextLine()), { event: "loggedIn", state: "active", flow: "browser" });

  const { access_token: token, account_id: accountId } = readAuthJson(codex.path).tokens;
  t.equal(accountId, "acct-fake-0001");
  t.equal((await daemon.cli(["token"])).stdout.trim(), token);
  const status = JSON.parse((await daemon.cli(["status", "--json"])).stdout);
  t.match(status, { state: "active", email: "me@example.com", planType: "pro", accountId, warnings: [] });
  t.equal(status.codexHome, codex.path);
  t.strictSame(JSON.parse((await daemon.cli(["list", "--json"])).stdout).sessions, [status]);

  t.equal(await loginStatus(codex), "Logged in using ChatGPT");
  const appServer = await scene.startAppServer();
  t.match(await appServer.accountRead(), {
    account: { type: "chatgpt", email: "me@example.com", planType: "pro" },
    userId: "user-fake-1",
    workspaceRouting: { chatgptAccountId: accountId },
  });
  t.match(await appServer.getAuthStatus({ includeToken: true }), { authMethod: "chatgpt", authToken: token });
  t.match(await appServer.runTurn("Hello?"), { status: "completed", text: "Hello from loopback." });
  t.strictSame(modelCalls(backend), [[token, accountId, 200]]);

  t.strictSame(issuer.violations, []);
  t.equal(issuer.families.length, 1);
  t.equal(issuer.exchanges, 0);
});

t.test("auth.json is written as the real Codex writes it", async (t) => {
  const scene = await createScene(t, { autoApprove: true });
  const daemon = await scene.startDaemon();
  const login = daemon.startCli(BROWSER);
  await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl);
  t.equal((await login.ended).code, 0);

  const text = readFileSync(scene.codex.authFile, "utf8");
  const document = JSON.parse(text);
  t.equal(text, JSON.stringify(document, null, 2));
  t.strictSame(Object.keys(document), ["auth_mode", "OPENAI_API_KEY", "tokens", "last_refresh"]);
  t.strictSame(Object.keys(document.tokens), [
    "id_token",
    "access_token",
    "refresh_token",
    "oauth_provenance",
    "login_owner_id",
    "account_id",
  ]);
  t.strictSame(document.tokens.oauth_provenance, {
    issuer: scene.issuer.url,
    client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
  });
  t.match(document.tokens.login_owner_id, /^[\w-]{43}$/);
  t.match(document.last_refresh, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  t.equal(statSync(scene.codex.authFile).mode & 0o777, 0o600);
});

t.test("a second login changes the account of our callers and of the next real Codex", async (t) => {
  const other = createTestUser({ email: "other@example.com", planType: "plus", accountId: "acct-2" });
  const scene = await createScene(t, { users: [createTestUser(), other] });
  const daemon = await scene.startDaemon();
  for (const user of scene.issuer.users) {
    const login = daemon.startCli([...BROWSER, "--force"]);
    await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl, { account: userLabel(user) });
    t.equal((await login.ended).code, 0);
    t.match(JSON.parse((await daemon.cli(["status", "--json"])).stdout), {
      email: user.email,
      accountId: user.accountId,
    });
  }
  const appServer = await scene.startAppServer();
  t.match(await appServer.accountRead(), { account: { email: "other@example.com", planType: "plus" } });
  t.strictSame(
    scene.issuer.families.map(({ revokedBecause }) => revokedBecause),
    [undefined, undefined],
  );
});

t.test("a login that is there is answered without a browser", async (t) => {
  const scene = await createScene(t, { autoApprove: true });
  const daemon = await scene.startDaemon();
  const first = daemon.startCli(BROWSER);
  await approveLogin(JSON.parse(await first.nextLine()).authorizationUrl);
  await first.ended;
  const { code, stdout } = await daemon.cli(BROWSER);
  t.equal(code, 0);
  t.match(JSON.parse(stdout), { event: "loggedIn", email: "me@example.com" });
  t.equal(scene.issuer.requestsTo("authorize").length, 1);
  t.ok(statSync(join(daemon.codexHome, "auth.json")).isFile());
});
