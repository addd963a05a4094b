/** What goes to the issuer, field by field beside what codex-cli 0.169 sends, from its captures and from the real binary. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { fingerprint } from "#client/index.js";
import {
  CONNECTION_HEADERS,
  DIFFERENCES,
  REFRESH_REASONS,
  REQUESTS_NOT_MADE,
  type RequestName,
  type RequestShape,
  UPSTREAM_REQUESTS,
} from "../fixtures/upstream-requests.js";
import { writeAgedLogin } from "../helpers/aged-login.js";
import type { RecordedRequest } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { runCodex } from "../helpers/codex.js";
import type { Place } from "../helpers/daemon-place.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createScene, type Scene } from "../helpers/real-codex-scene.js";
import { until } from "../helpers/until.js";

/** Codex takes an access token without expiry for old after eight days. */
const NINE_DAYS_MS = 9 * 24 * 3_600_000;

/** Values that differ each time, and what they are compared as. */
const PLACEHOLDERS: readonly [RegExp, string][] = [
  [/^(http:\/\/(?:127\.0\.0\.1|localhost)):\d+\/auth\/callback$/, "$1:<port>/auth/callback"],
  [/^http:\/\/127\.0\.0\.1:\d+\/deviceauth\/callback$/, "<issuer>/deviceauth/callback"],
  [/^rt_.*$/, "<refresh token>"],
  [/^ac_.*$/, "<code>"],
  [/^deviceauth_.*$/, "<device auth id>"],
  [/^[A-Z]{4}-\d{5}$/, "<user code>"],
  [/^[\w-]{43}$/, "<43 characters>"],
  [/^[\w-]{86}$/, "<86 characters>"],
  [/^codex_cli_rs\/([\d.]+) \([^;]*; [^)]*\) .*$/, "codex_cli_rs/$1 (<os>; <arch>) <terminal>"],
  [/^codex_cli_rs\/([\d.]+) \([^;]*; [^)]*\)$/, "codex_cli_rs/$1 (<os>; <arch>) <terminal>"],
  [/^codex-authd\/[\d.]+ \([^;]*; [^)]*\)$/, "codex-authd/<version> (<os>; <arch>)"],
];

function shapeOf({ method, path, headers, fields }: RecordedRequest): RequestShape {
  const sent = headers.filter(([name]) => !CONNECTION_HEADERS.includes(name.toLowerCase()));
  return {
    method: method === "GET" ? "GET" : "POST",
    path,
    headers: method === "GET" ? {} : masked(sent),
    parameters: masked(fields ?? []),
  };
}

function masked(pairs: readonly (readonly [string, unknown])[]): Record<string, string> {
  return Object.fromEntries(pairs.map(([name, value]) => [name, mask(String(value))]));
}

function mask(value: string): string {
  const [pattern, replacement] = PLACEHOLDERS.find(([candidate]) => candidate.test(value)) ?? [];
  return pattern === undefined || replacement === undefined ? value : value.replace(pattern, replacement);
}

/** Upstream's shape with the differences that are named for it. */
function ourShape(name: RequestName): RequestShape {
  const shape: RequestShape = UPSTREAM_REQUESTS[name];
  const differences = DIFFERENCES.filter(({ requests }) => requests.includes(name));
  const replaced = (pairs: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(pairs).map(([field, value]) => {
        const difference = differences.find((candidate) => candidate.field === field);
        return [field, difference?.upstream === value ? difference.ours : value];
      }),
    );
  const added = differences.filter(({ upstream }) => upstream === null);
  const headers = {
    ...Object.fromEntries(added.map(({ field, ours }) => [field, ours])),
    ...replaced(shape.headers),
  };
  return { ...shape, headers, parameters: replaced(shape.parameters) };
}

/** The same names in the same order with the same values. */
function assertSame(t: Test, request: RecordedRequest | undefined, wanted: RequestShape): void {
  if (request === undefined) return void t.fail(`no request ${wanted.method} ${wanted.path}`);
  const shape = shapeOf(request);
  t.strictSame(shape, wanted, `${wanted.method} ${wanted.path}`);
  t.strictSame(Object.entries(shape.headers), Object.entries(wanted.headers), "header order");
  t.strictSame(Object.entries(shape.parameters), Object.entries(wanted.parameters), "parameter order");
}

async function logIn(place: Place): Promise<void> {
  const login = place.startCli(["login", "--browser", "--no-browser", "--json", "--force"]);
  await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl);
  if ((await login.ended).code !== 0) throw new Error("The login failed.");
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
  t.equal((await runCodex(["logout"], { home: scene.codex })).code, 0);
  assertSame(t, first(scene, "revoke"), UPSTREAM_REQUESTS.revocation);
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
