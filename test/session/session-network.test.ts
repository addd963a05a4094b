import { Redacted } from "@codex-authd/shared";
import t from "tap";
import { DIRECT, type NetworkSettings } from "#daemon/net/network-settings.js";
import {
  type AuthorizationServer,
  createTestUser,
  startAuthorizationServer,
} from "../helpers/authorization-server.js";
import { loginGrant } from "../helpers/login-grant.js";
import { type ProxyServer, startProxy } from "../helpers/proxy-server.js";
import { createSessionHarness } from "../helpers/session-harness.js";

function through({ url }: ProxyServer, source = "HTTP_PROXY"): NetworkSettings {
  return { ...DIRECT, httpProxy: { value: new Redacted(url), source } };
}

/** What a proxy was asked for, as paths at the issuer. */
function pathsAt(proxy: ProxyServer, issuer: AuthorizationServer): string[] {
  return proxy.requests.map(({ target }) => target.replace(issuer.url, ""));
}

t.test("a login stays bound to its network, across restarts, for refresh and revocation", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const proxy = await startProxy(t);
  const before = createSessionHarness(t, issuer);
  const session = await before.open();
  t.match(session.status().network, { caCertificateFile: null, proxy: null, noProxy: null });
  const status = await session.acceptLogin(loginGrant(issuer), "device", through(proxy));
  t.match(status.network, { proxy: proxy.url, proxySource: "HTTP_PROXY" });
  await before.abandon();

  const after = before.restartedBeside();
  const restarted = await after.open();
  t.match(restarted.status().network, { proxy: proxy.url });
  await restarted.refresh();
  t.strictSame(pathsAt(proxy, issuer), ["/oauth/token"]);
  t.match(await restarted.logout(true), { revoked: true });
  t.strictSame(
    pathsAt(proxy, issuer),
    ["/oauth/token", "/oauth/revoke"],
    "although the binding ended with the login",
  );
  t.match(restarted.status().network, { proxy: null });
  after.login();
  t.match(await restarted.freshStatus(), { state: "active", network: { proxy: null } });
});

t.test("the next login replaces the binding, also with none", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const [first, second] = [await startProxy(t), await startProxy(t)];
  const session = await createSessionHarness(t, issuer).open();
  await session.acceptLogin(loginGrant(issuer), "device", through(first));
  await session.acceptLogin(loginGrant(issuer), "device", through(second));
  await session.refresh();
  t.equal(first.requests.length, 0);
  t.equal(second.requests.length, 1);
  const { network } = await session.acceptLogin(loginGrant(issuer), "device", DIRECT);
  t.match(network, { proxy: null, proxySource: null });
});

t.test(
  "a rotation that another process made keeps the binding; another account's login has none",
  async (t) => {
    const other = createTestUser({ email: "other@example.com", accountId: "acct-other" });
    const issuer = await startAuthorizationServer(t, { users: [createTestUser(), other] });
    const proxy = await startProxy(t);
    const { open, login } = createSessionHarness(t, issuer);
    const session = await open();
    await session.acceptLogin(loginGrant(issuer), "browser", through(proxy));
    login();
    t.match(await session.freshStatus(), { network: { proxy: proxy.url } });
    login(other);
    t.match(await session.freshStatus(), { accountId: "acct-other", network: { proxy: null } });
    await session.refresh();
    t.equal(proxy.requests.length, 0);
  },
);

t.test(
  "a login that was adopted from a file has the owner's network, which wins over every binding",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const [owners, callers] = [await startProxy(t), await startProxy(t)];
    const network = through(owners, "`http_proxy` of config.toml");
    const { open, login } = createSessionHarness(t, issuer, { network });
    login();
    const session = await open();
    t.match(session.status().network, { proxy: owners.url, proxySource: "`http_proxy` of config.toml" });
    await session.acceptLogin(loginGrant(issuer), "browser", through(callers));
    await session.refresh();
    t.equal(owners.requests.length, 1);
    t.equal(callers.requests.length, 0);
  },
);

t.test("a memory session is bound too", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const proxy = await startProxy(t);
  const { sessions } = createSessionHarness(t, issuer);
  const session = await sessions.open({ storage: "memory", sessionName: "work" });
  await session.acceptLogin(loginGrant(issuer), "device", through(proxy));
  await session.refresh();
  t.strictSame(pathsAt(proxy, issuer), ["/oauth/token"]);
});

t.test(
  "a CA file that is gone defers a refresh, names the file, and costs neither login nor token",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const { open } = createSessionHarness(t, issuer);
    const session = await open();
    const caFile = { value: "/nowhere/ca.pem", source: "SSL_CERT_FILE" };
    await session.acceptLogin(loginGrant(issuer), "device", { ...DIRECT, caFile });
    await t.rejects(session.refresh(), {
      code: "ERR_ISSUER_UNAVAILABLE",
      isRetryable: true,
      message: /\/nowhere\/ca\.pem, which SSL_CERT_FILE names, cannot be read \(ENOENT\)/,
    });
    t.match(session.status(), { state: "active", network: { caCertificateFile: "/nowhere/ca.pem" } });
    t.match(await session.getToken({}), { accessToken: /^ey/ });
    t.equal(issuer.requestsTo("refresh").length, 0);
  },
);
