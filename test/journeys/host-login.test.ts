/** A program that leads a person through a login itself, by the library, at a real daemon. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type AuthClient, type LoginOptions, openInBrowser } from "#client/index.js";
import { login } from "#client/login.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveDevice, approveLogin, visit } from "../helpers/browser-user.js";
import { startDaemon } from "../helpers/daemon.js";
import { createImpatientClock } from "../helpers/impatient-clock.js";
import { writeLogin } from "../helpers/logins.js";
import { until } from "../helpers/until.js";

const issuer = await startAuthorizationServer(t);
const daemon = await startDaemon(t, { issuer });
const client = daemon.client();

let homes = 0;

/** A Codex home of its own for each login. */
function newHome(): string {
  const home = join(daemon.home, `home-${++homes}`);
  mkdirSync(home);
  return home;
}

const environmentOf = (variables: object) => ({ cwd: "/", variables, platform: "linux" });
const DESKTOP = environmentOf({ DISPLAY: ":0" });
const WSL = environmentOf({ WSL_DISTRO_NAME: "Debian" });

async function beginBrowser(codexHome = newHome()) {
  const pending = await client.beginLogin({ codexHome, flow: "browser" });
  if (pending.flow !== "browser") throw new TypeError("a browser login was asked for");
  return { ...pending, codexHome };
}

/** `login()` of a client that does not wait for minutes. */
function logInImpatiently(options: LoginOptions & { codexHome: string }, at: AuthClient = client) {
  return login(at, { env: daemon.env, clock: createImpatientClock(), openBrowser: false, ...options });
}

t.test("login() answers a session that is there, and opens nothing", async (t) => {
  const codexHome = newHome();
  writeLogin(codexHome, issuer);
  const openBrowser = () => Promise.reject(new Error("A browser was opened."));
  const before = issuer.requests.length;
  for (const childEnvironment of [DESKTOP, environmentOf({ CI: "true" })]) {
    for (const interactive of [true, false]) {
      const status = await client.login({ codexHome, childEnvironment, interactive, openBrowser });
      t.match(status, { state: "active", email: "me@example.com" });
    }
  }
  t.equal(issuer.requests.length, before);
});

t.test("without a session and a person it fails by name, and says what to do", async (t) => {
  const codexHome = newHome();
  const before = issuer.requests.length;
  await t.rejects(client.login({ codexHome, childEnvironment: DESKTOP, interactive: false }), {
    code: "ERR_LOGIN_NOT_INTERACTIVE",
    message: /Run `codex-auth login` in a terminal/,
  });
  const childEnvironment = environmentOf({ GITHUB_ACTIONS: "true", DISPLAY: ":0" });
  await t.rejects(client.login({ codexHome, childEnvironment }), {
    code: "ERR_LOGIN_NOT_INTERACTIVE",
    message: /this is a CI job \(GITHUB_ACTIONS is set\)\. Log in beforehand/,
  });
  t.equal(issuer.requests.length, before);
});

t.test("login() opens the browser of the child environment by itself", async (t) => {
  const program = join(newHome(), "browser");
  writeFileSync(program, '#!/bin/sh\nprintf %s "$1" > "$0.seen"\n');
  chmodSync(program, 0o700);
  const url = async () => readFileSync(`${program}.seen`, "utf8");
  const env = { ...daemon.env, BROWSER: program };
  const status = login(client, {
    codexHome: newHome(),
    childEnvironment: DESKTOP,
    env,
    clock: createImpatientClock(),
  });
  await until("the browser is open", () =>
    url().then(
      (text) => text !== "",
      () => false,
    ),
  );
  await approveLogin(await url());
  t.match(await status, { state: "active", flow: "browser" });
  t.same(await openInBrowser("https://example.com/", { env }), { opened: true });
});

t.test("beginLogin and awaitLogin: a wait that is over or given up ends no login", async (t) => {
  const { loginId, authorizationUrl } = await beginBrowser();
  await t.rejects(client.awaitLogin({ loginId, timeoutMs: 50 }), {
    code: "ERR_LOGIN_EXPIRED",
    message: /still pending/,
  });
  const gone = new AbortController();
  const waiting = t.rejects(client.awaitLogin({ loginId, signal: gone.signal }), { message: "I leave." });
  gone.abort(new Error("I leave."));
  await waiting;
  const waits = [daemon.client(), daemon.client(), client].map((each) => each.awaitLogin({ loginId }));
  await approveLogin(authorizationUrl);
  for (const status of await Promise.all(waits)) t.match(status, { state: "active" });
  t.match(await client.awaitLogin({ loginId }), { state: "active" }, "and who asks later is told too");
});

t.test(
  "completeLogin: another URL changes nothing, the right one finishes it for all who wait",
  async (t) => {
    const { loginId, authorizationUrl, redirectUri } = await beginBrowser();
    const wait = client.awaitLogin({ loginId });
    for (const url of ["nonsense", `${redirectUri}?code=a&state=b`, `${redirectUri}`]) {
      await t.rejects(client.completeLogin(loginId, url), { code: "ERR_LOGIN_NOT_FOUND" }, url);
    }
    issuer.autoApprove = true;
    const { headers } = await fetch(authorizationUrl, { redirect: "manual" });
    issuer.autoApprove = false;
    t.match(await client.completeLogin(loginId, headers.get("location") ?? ""), { state: "active" });
    t.match(await wait, { state: "active" });
  },
);

t.test("cancelLogin: whoever waits is told, and there is nothing to cancel any more", async (t) => {
  const { loginId, redirectUri } = await beginBrowser();
  const waits = [0, 1].map(() => t.rejects(client.awaitLogin({ loginId }), { code: "ERR_LOGIN_CANCELLED" }));
  t.equal(await client.cancelLogin(loginId), true);
  await Promise.all(waits);
  t.equal(await client.cancelLogin(loginId), false);
  await t.rejects(visit(redirectUri), { code: "ECONNREFUSED" });
});

t.test("two logins of one session: the newer wins, and whoever waits for the older is told", async (t) => {
  const older = await beginBrowser();
  const told = t.rejects(client.awaitLogin({ loginId: older.loginId }), {
    code: "ERR_LOGIN_CANCELLED",
    message: /a newer one was started/,
  });
  const newer = await beginBrowser(older.codexHome);
  await told;
  await approveLogin(newer.authorizationUrl);
  t.match(await client.awaitLogin({ loginId: newer.loginId }), { state: "active" });
});

t.test("logins of two sessions share a listener, and each gets its own", async (t) => {
  const [one, other] = [await beginBrowser(), await beginBrowser()];
  t.equal(one.redirectUri, other.redirectUri);
  for (const { loginId, authorizationUrl, codexHome } of [other, one]) {
    await approveLogin(authorizationUrl);
    t.match(await client.awaitLogin({ loginId }), { state: "active", codexHome });
  }
});

t.test("a login that its own signal ends is cancelled at the daemon", async (t) => {
  const abort = new AbortController();
  let loginId = "";
  const status = client.login({
    codexHome: newHome(),
    childEnvironment: DESKTOP,
    openBrowser: false,
    signal: abort.signal,
    onAuthorization: (pending) => {
      loginId = pending.loginId;
      setImmediate(() => abort.abort(new Error("Enough.")));
    },
  });
  await t.rejects(status, { message: "Enough." });
  t.equal(await client.cancelLogin(loginId), false);
});

t.test("WSL: a browser that comes back in time needs no code", async (t) => {
  const before = issuer.requestsTo("usercode").length;
  const status = client.login({
    codexHome: newHome(),
    childEnvironment: WSL,
    openBrowser: async (url) => {
      await approveLogin(url);
      return { opened: true };
    },
  });
  t.match(await status, { state: "active", flow: "browser" });
  t.equal(issuer.requestsTo("usercode").length, before);
});

t.test("WSL: when no redirect arrives a code takes its place", async (t) => {
  const flows: string[] = [];
  const status = await logInImpatiently({
    codexHome: newHome(),
    childEnvironment: WSL,
    onAuthorization: async (pending) => {
      flows.push(pending.flow);
      if (pending.flow === "device") await approveDevice(pending.verificationUri, pending.userCode);
    },
  });
  t.match(status, { state: "active", flow: "device" });
  t.same(flows, ["browser", "device"]);
});

t.test("WSL: when there is no code to be had, the person is told, and the URL stays valid", async (t) => {
  issuer.isDeviceLoginEnabled = false;
  const reasons = await logInByTheOldUrl(t);
  issuer.isDeviceLoginEnabled = true;
  t.match(reasons, [/not enabled.*security settings/]);
});

async function logInByTheOldUrl(t: Test): Promise<string[]> {
  const reasons: string[] = [];
  let authorizationUrl = "";
  const status = logInImpatiently({
    codexHome: newHome(),
    childEnvironment: WSL,
    onAuthorization: (pending) => {
      if (pending.flow === "browser") authorizationUrl = pending.authorizationUrl;
    },
    onFallbackFailure: (reason) => reasons.push(reason),
  });
  await until("the code was refused", () => reasons.length > 0);
  await approveLogin(authorizationUrl);
  t.match(await status, { state: "active", flow: "browser" });
  return reasons;
}
