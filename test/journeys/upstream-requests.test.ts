/** What goes to the issuer, field by field beside what codex-cli 0.169 sends, from its captures and from the real binary. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { fingerprint } from "#client/index.js";
import {
  DIFFERENCES,
  REFRESH_REASONS,
  REQUESTS_NOT_MADE,
  type RequestShape,
  UPSTREAM_REQUESTS,
} from "../fixtures/upstream-requests.js";
import { writeAgedLogin } from "../helpers/aged-login.js";
import { approveLogin } from "../helpers/browser-user.js";
import { runCodex } from "../helpers/codex.js";
import type { Place } from "../helpers/daemon-place.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createScene, type Scene } from "../helpers/real-codex-scene.js";
import { assertSame, ourShape, shapeOf } from "../helpers/request-shapes.js";
import { until } from "../helpers/until.js";
import { upstreamRequestsPage } from "../helpers/upstream-requests-page.js";

const PAGE = new URL("../../../docs/upstream-requests.md", import.meta.url);

/** Codex takes an access token without expiry for old after eight days. */
const NINE_DAYS_MS = 9 * 24 * 3_600_000;

async function logIn(place: Place): Promise<void> {
  const login = place.startCli(["login", "--browser", "--no-browser", "--json", "--force"]);
  await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl);
  if ((await login.ended).code !== 0) throw new Error("The login failed.");
}

/** An app-server goes by its client's name, so that two headers have other values than those of the CLI. */
function assertSameNames(t: Test, shape: RequestShape, wanted: RequestShape): void {
  t.strictSame(Object.keys(shape.headers), Object.keys(wanted.headers), "headers and their order");
  t.strictSame(
    Object.entries(shape.parameters),
    Object.entries(wanted.parameters),
    "parameters and their order",
  );
}

function first({ issuer }: Scene, endpoint: Parameters<Scene["issuer"]["requestsTo"]>[0]) {
  return issuer.requestsTo(endpoint)[0];
}

t.test(
  "a browser login, a refresh and a revocation are upstream's but for the named differences",
  async (t) => {
    const scene = await createScene(t, { autoApprove: true });
    const daemon = await scene.startDaemon();
    await logIn(daemon);
    assertSame(t, first(scene, "authorize"), ourShape("authorization"));
    assertSame(t, first(scene, "token"), ourShape("codeExchange"));
    await daemon.cli(["refresh"]);
    assertSame(t, first(scene, "refresh"), ourShape("refresh"));
    t.equal((await daemon.cli(["logout", "--revoke"])).code, 0);
    assertSame(t, first(scene, "revoke"), ourShape("revocation"));
    t.equal(scene.issuer.requests.length, 4, "and nothing else is sent");
    t.strictSame(scene.issuer.violations, []);
  },
);

t.test("the redirect host can be upstream's", async (t) => {
  const scene = await createScene(t, { autoApprove: true });
  await logIn(await scene.startDaemon({ config: { redirect_host: "127.0.0.1" } }));
  assertSame(t, first(scene, "authorize"), UPSTREAM_REQUESTS.authorization);
  t.equal(first(scene, "token")?.parsed.redirect_uri, first(scene, "authorize")?.parsed.redirect_uri);
});

t.test("a device login is upstream's to the letter", async (t) => {
  const scene = await createScene(t);
  const daemon = await scene.startDaemon();
  scene.issuer.scriptDevicePolls([403, 200]);
  t.equal((await daemon.cli(["login", "--device"])).code, 0);
  assertSame(t, first(scene, "usercode"), ourShape("deviceAuthorization"));
  for (const poll of scene.issuer.requestsTo("deviceToken")) assertSame(t, poll, ourShape("devicePoll"));
  assertSame(t, first(scene, "token"), ourShape("deviceCodeExchange"));
  t.equal(scene.issuer.requests.length, 4);
});

t.test("the real Codex still sends what the table says of it", async (t) => {
  const scene = await createScene(t);
  scene.issuer.scriptDevicePolls([403, 200]);
  const args = ["login", "--device-auth", "--experimental_issuer", scene.issuer.url];
  t.equal((await runCodex(args, { home: scene.codex })).code, 0);
  assertSame(t, first(scene, "usercode"), UPSTREAM_REQUESTS.deviceAuthorization);
  assertSame(t, first(scene, "deviceToken"), UPSTREAM_REQUESTS.devicePoll);
  assertSame(t, first(scene, "token"), UPSTREAM_REQUESTS.deviceCodeExchange);
  await (await scene.startAppServer()).getAuthStatus({ refreshToken: true });
  const refresh = first(scene, "refresh");
  if (refresh) assertSameNames(t, shapeOf(refresh), UPSTREAM_REQUESTS.refresh);
  t.ok(refresh, "an app-server refreshes");
  t.equal((await runCodex(["logout"], { home: scene.codex })).code, 0);
  assertSame(t, first(scene, "revoke"), UPSTREAM_REQUESTS.revocation);
});

t.test("docs/upstream-requests.md is the table", async (t) => {
  const page = upstreamRequestsPage();
  if (process.env.WRITE_DOCS) writeFileSync(PAGE, page);
  t.equal(readFileSync(PAGE, "utf8"), page, "WRITE_DOCS=1 writes it anew");
});

t.test("a login over a login revokes nothing, and an ordinary logout tells the issuer nothing", async (t) => {
  const scene = await createScene(t, { autoApprove: true });
  const daemon = await scene.startDaemon();
  await logIn(daemon);
  await logIn(daemon);
  t.equal((await daemon.cli(["logout"])).code, 0);
  t.equal(scene.issuer.requestsTo("revoke").length, 0);
  t.equal(scene.issuer.requestsTo("token").length, 2, "and no API key was asked for");
});

t.test("a refresh names upstream's reason", async (t) => {
  const { issuer, ...scene } = await createScene(t);
  const daemon = await scene.startDaemon();
  const client = daemon.client();
  const homeOf = (name: string): string => {
    const home = join(daemon.home, name);
    mkdirSync(home);
    return home;
  };

  const refused = homeOf("refused");
  writeLogin(refused, issuer);
  const rejectedToken = fingerprint(readAuthJson(refused).tokens.access_token);
  await client.getAccessToken({ codexHome: refused, rejectedToken });

  const asked = homeOf("asked");
  writeLogin(asked, issuer);
  await client.refresh({ codexHome: asked });

  const expiring = homeOf("expiring");
  writeAgedLogin(expiring, issuer, 1_900);
  await client.getStatus({ codexHome: expiring });
  await until("the third is refreshed", () => issuer.exchanges === 3);

  const undated = homeOf("undated");
  writeLogin(undated, issuer);
  const document = readAuthJson(undated);
  document.tokens.access_token = "opaque-access-token";
  document.last_refresh = new Date(Date.now() - NINE_DAYS_MS).toISOString();
  writeFileSync(join(undated, "auth.json"), JSON.stringify(document));
  await client.getStatus({ codexHome: undated });
  await until("the fourth is refreshed", () => issuer.exchanges === 4);

  t.strictSame(
    issuer.requestsTo("refresh").map(({ parsed }) => parsed.refresh_reason),
    [
      REFRESH_REASONS["the backend refused the access token"],
      REFRESH_REASONS["somebody asked for it"],
      REFRESH_REASONS["the access token is about to expire"],
      REFRESH_REASONS["an access token without expiry is old"],
    ],
  );
  t.strictSame(issuer.violations, []);
});

t.test("every difference has its reason", async (t) => {
  for (const { requests, field, upstream, ours, reason } of DIFFERENCES) {
    t.not(upstream, ours);
    t.match(reason, /\S.{20,}\.$/);
    for (const name of requests) {
      const { headers, parameters }: RequestShape = UPSTREAM_REQUESTS[name];
      t.equal({ ...headers, ...parameters }[field], upstream ?? undefined, `${name} ${field}`);
    }
  }
  for (const { reason } of REQUESTS_NOT_MADE) t.match(reason, /\S.{20,}\.$/);
});
