import { setImmediate as nextTurn } from "node:timers/promises";
import { Redacted } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createHttp, type Http } from "#daemon/net/http.js";
import { HttpFailure } from "#daemon/net/http-failure.js";
import { DIRECT } from "#daemon/net/network-settings.js";
import {
  awaitDeviceAuthorization,
  beginDeviceAuthorization,
  type DeviceAuthorization,
  type DeviceGrant,
} from "#daemon/oauth/device-authorization.js";
import { DEFAULT_CLIENT_ID } from "#daemon/oauth/oauth-client.js";
import type { OAuthError } from "#daemon/oauth/oauth-error.js";
import { type CannedAnswer, startCannedServer } from "../helpers/canned-server.js";
import { createManualClock, type ManualClock } from "../helpers/manual-clock.js";

/** codex-cli 0.169, requests 202 and 203 of the device login. */
const CAPTURED = {
  headers: ["content-type", "accept", "content-length"],
  begin: '{"client_id":"app_EMoamEEZ73f0CkXaXp7hrann"}',
  poll: '{"device_auth_id":"deviceauth_fake_1","user_code":"ABCD-12345"}',
};

const DEVICE_CODE = { device_auth_id: "deviceauth_fake_1", user_code: "ABCD-12345", interval: "1" };
const APPROVED = { authorization_code: "device_code_fake_1", code_challenge: "c", code_verifier: "verifier" };
const ISSUER = "https://issuer.example";

const clientOf = (issuer: string) => ({
  issuer,
  clientId: DEFAULT_CLIENT_ID,
  originator: "codex_cli_rs",
  userAgent: "codex-authd/0.1.0",
});

async function begin(t: Test, answer: CannedAnswer) {
  const server = await startCannedServer(t, [answer]);
  return { server, begun: beginDeviceAuthorization(createHttp().through(DIRECT), clientOf(server.url)) };
}

type PollStep = CannedAnswer | HttpFailure;

/** Answers polls from a script, the last of them for ever, and notes when they came. */
function scriptPolls(steps: readonly PollStep[], clock: ManualClock): { http: Http; atSeconds: number[] } {
  const startedAtMs = clock.now();
  const atSeconds: number[] = [];
  const http: Http = {
    async request() {
      atSeconds.push((clock.now() - startedAtMs) / 1000);
      const step = steps[Math.min(atSeconds.length, steps.length) - 1] ?? {};
      if (step instanceof HttpFailure) throw step;
      const { status = 200, headers = {}, body = "" } = step;
      return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
    },
  };
  return { http, atSeconds };
}

interface Polling {
  readonly atSeconds: number[];
  readonly ended: Promise<DeviceGrant | OAuthError>;
}

/** Polls through `steps`, and lets `forSeconds` pass. */
async function poll(steps: readonly PollStep[], forSeconds: number, intervalSeconds = 1): Promise<Polling> {
  const clock = createManualClock();
  const { http, atSeconds } = scriptPolls(steps, clock);
  const { signal } = new AbortController();
  const ended = awaitDeviceAuthorization(http, clientOf(ISSUER), authorization(intervalSeconds), {
    clock,
    signal,
  });
  const outcome = ended.catch((error: OAuthError) => error);
  await nextTurn();
  await clock.advance(forSeconds * 1000);
  return { atSeconds, ended: outcome };
}

function authorization(intervalSeconds = 1): DeviceAuthorization {
  return {
    deviceAuthId: new Redacted("deviceauth_fake_1"),
    userCode: "ABCD-12345",
    verificationUri: `${ISSUER}/codex/device`,
    intervalSeconds,
    expiresInSeconds: 900,
  };
}

const pending = { status: 403 };
const oauthError = (error: string, status = 400) => ({ status, body: { error } });

t.test("a device login that cannot begin", async (t) => {
  const unusable: Record<string, unknown> = {
    "an empty body": "",
    "an object without a code": { device_auth_id: "a" },
    "an object without an id": { user_code: "a" },
    "a code with control characters": { ...DEVICE_CODE, user_code: "A\u001b[31mB" },
  };
  for (const [name, body] of Object.entries(unusable)) {
    t.test(`because of ${name} is ambiguous`, async (t) => {
      await t.rejects((await begin(t, { body })).begun, { name: "OAuthError", kind: "ambiguous" });
    });
  }
  t.test("because it is not enabled says where to enable it, and what else to do", async (t) => {
    const error: OAuthError = await (await begin(t, { status: 404 })).begun.then(
      () => t.fail(),
      (reason) => reason,
    );
    t.match(error, { name: "OAuthError", kind: "terminal", status: 404 });
    t.match(error.message, "is not enabled");
    t.match(error.message, "security settings of ChatGPT");
    t.match(error.message, "codex-auth login --browser");
  });
  t.test("because the issuer is down is transient", async (t) => {
    await t.rejects((await begin(t, { status: 503 })).begun, { name: "OAuthError", kind: "transient" });
  });
});

t.test("a device authorization request is field by field the one of codex-cli 0.169", async (t) => {
  const { server, begun } = await begin(t, { body: DEVICE_CODE });
  const answer = await begun;
  const [request] = server.requests;
  t.equal(request?.method, "POST");
  t.equal(request?.target, "/api/accounts/deviceauth/usercode");
  t.equal(request?.body, CAPTURED.begin);
  const names = request?.headers
    .map(([name]) => name)
    .filter((name) => !["host", "connection"].includes(name));
  t.strictSame(names, CAPTURED.headers);
  t.equal(answer.deviceAuthId.reveal(), "deviceauth_fake_1");
  t.match(answer, {
    userCode: "ABCD-12345",
    verificationUri: `${server.url}/codex/device`,
    intervalSeconds: 1,
    expiresInSeconds: 900,
  });
});

t.test("the code may be spelled as upstream also accepts it", async (t) => {
  const { begun } = await begin(t, { body: { device_auth_id: "a", usercode: "B" } });
  t.equal((await begun).userCode, "B");
});

t.test("the interval is a number in a string, or a number, from 1 to 60, and 5 by default", async (t) => {
  const intervals: [interval: unknown, seconds: number][] = [
    ["5", 5],
    [7, 7],
    ["0", 1],
    [-3, 1],
    ["100000", 60],
    ["", 5],
    ["soon", 5],
    [null, 5],
    [undefined, 5],
  ];
  for (const [interval, seconds] of intervals) {
    const { begun } = await begin(t, { body: { ...DEVICE_CODE, interval } });
    t.equal((await begun).intervalSeconds, seconds, String(interval));
  }
});

t.test("a poll is field by field the one of codex-cli 0.169", async (t) => {
  const server = await startCannedServer(t, [{ body: APPROVED }]);
  const options = { clock: createManualClock(), signal: new AbortController().signal };
  const grant = await awaitDeviceAuthorization(
    createHttp().through(DIRECT),
    clientOf(server.url),
    authorization(),
    options,
  );
  const [request] = server.requests;
  t.equal(request?.target, "/api/accounts/deviceauth/token");
  t.equal(request?.body, CAPTURED.poll);
  const names = request?.headers
    .map(([name]) => name)
    .filter((name) => !["host", "connection"].includes(name));
  t.strictSame(names, CAPTURED.headers);
  t.equal(grant.code.reveal(), "device_code_fake_1");
  t.equal(grant.codeVerifier.reveal(), "verifier");
  t.equal(grant.redirectUri, `${server.url}/deviceauth/callback`);
});

t.test("polling", async (t) => {
  t.test("begins at once, and waits through 403 and 404, an interval each", async (t) => {
    const { atSeconds, ended } = await poll([pending, { status: 404 }, pending, { body: APPROVED }], 10, 3);
    t.strictSame(atSeconds, [0, 3, 6, 9]);
    t.match(await ended, { redirectUri: `${ISSUER}/deviceauth/callback` });
  });
  t.test("waits through RFC 8628's authorization_pending", async (t) => {
    const { atSeconds, ended } = await poll([oauthError("authorization_pending"), { body: APPROVED }], 5);
    t.strictSame(atSeconds, [0, 1]);
    t.ok("code" in (await ended));
  });
  t.test("adds five seconds for each slow_down, and keeps them", async (t) => {
    const { atSeconds } = await poll(
      [oauthError("slow_down"), pending, oauthError("slow_down"), pending],
      35,
    );
    t.strictSame(atSeconds, [0, 6, 12, 23, 34]);
  });
  t.test("survives 429, 5xx and a network that drops, with longer intervals", async (t) => {
    const dropped = [new HttpFailure("Lost.", false), new HttpFailure("Lost.", true)];
    const steps = [{ status: 429 }, { status: 503 }, ...dropped, pending, { body: APPROVED }];
    const { atSeconds, ended } = await poll(steps, 60);
    t.strictSame(atSeconds, [0, 2, 6, 14, 30, 31]);
    t.ok("code" in (await ended));
  });
  t.test("waits no longer than a minute", async (t) => {
    const { atSeconds } = await poll([{ status: 500 }], 300, 30);
    t.strictSame(atSeconds, [0, 60, 120, 180, 240, 300]);
  });
  t.test("waits as long as the issuer asks for", async (t) => {
    const { atSeconds } = await poll([{ status: 429, headers: { "retry-after": "120" } }, pending], 121);
    t.strictSame(atSeconds, [0, 120, 121]);
  });
  t.test("ends when the person says no", async (t) => {
    for (const status of [400, 403]) {
      const { atSeconds, ended } = await poll([pending, oauthError("access_denied", status)], 10);
      t.strictSame(atSeconds, [0, 1]);
      t.match(await ended, { name: "OAuthError", oauthError: "access_denied" });
    }
  });
  t.test("ends when the issuer says that the code has expired", async (t) => {
    const { ended } = await poll([oauthError("expired_token")], 1);
    t.match(await ended, { kind: "terminal", oauthError: "expired_token", message: /Start the login again/ });
  });
  t.test("ends with any other refusal", async (t) => {
    const { atSeconds, ended } = await poll([{ status: 400 }], 10);
    t.strictSame(atSeconds, [0]);
    t.match(await ended, { kind: "terminal", status: 400 });
  });
  t.test("ends with an answer that holds no code", async (t) => {
    const { ended } = await poll([{ body: { authorization_code: "a" } }], 10);
    t.match(await ended, { kind: "ambiguous", status: 200 });
  });
  t.test("ends after 15 minutes, whatever the issuer says", async (t) => {
    for (const step of [pending, { status: 503 }, oauthError("slow_down")]) {
      const { atSeconds, ended } = await poll([step], 900, 60);
      t.ok(atSeconds.every((at) => at < 900));
      t.match(await ended, { kind: "terminal", oauthError: "expired_token" });
    }
  });
  t.test("ends with the signal's reason, also between two polls", async (t) => {
    const clock = createManualClock();
    const { http, atSeconds } = scriptPolls([pending], clock);
    const controller = new AbortController();
    const { signal } = controller;
    const ended = awaitDeviceAuthorization(http, clientOf(ISSUER), authorization(), { clock, signal });
    await nextTurn();
    const reason = new Error("given up");
    controller.abort(reason);
    await t.rejects(ended, reason);
    await clock.advance(10_000);
    t.strictSame(atSeconds, [0]);
  });
  t.test("ends with the signal's reason during a poll", async (t) => {
    const reason = new Error("given up");
    const controller = new AbortController();
    const http: Http = {
      async request() {
        controller.abort(reason);
        throw new HttpFailure("It was cancelled.", true);
      },
    };
    const options = { clock: createManualClock(), signal: controller.signal };
    await t.rejects(awaitDeviceAuthorization(http, clientOf(ISSUER), authorization(), options), reason);
  });
});
