/** What the bridge remembers between two requests of one app-server, which come up to six times a turn. */
import type { ServerResponse } from "node:http";
import { AuthError, fingerprint } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { AuthBridge } from "#client/app-server/auth-bridge.js";
import type { AuthFailure } from "#client/app-server/index.js";
import type { ExternalTokens } from "#client/app-server/messages.js";
import { createAuthClient } from "#client/index.js";
import { createFakeDaemon, sessionStatus, TOKEN } from "../helpers/fake-daemon.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { until } from "../helpers/until.js";

const FIRST = { ...TOKEN, accessToken: "eyJ.first", accountId: "acc-1", generation: 7 };
const REQUEST = { reason: "unauthorized" };

async function setUp(t: Test) {
  const daemon = await createFakeDaemon({
    "token/get": () => FIRST,
    "session/status": () => sessionStatus(),
  });
  const auth = createAuthClient({ env: daemon.env, autostart: false });
  const clock = createManualClock();
  const handed: ExternalTokens[] = [];
  const failures: AuthFailure[] = [];
  const bridge = new AuthBridge({
    auth,
    clock,
    selector: {},
    hand: async (tokens) => void handed.push(tokens),
    onFailure: (failure) => failures.push(failure),
  });
  t.teardown(async () => {
    bridge.close();
    await auth.close();
    await daemon.close();
  });
  return { daemon, clock, bridge, handed, failures };
}

t.test(
  "a refusal is given again for a minute, and neither the daemon nor the host hears of it",
  async (t) => {
    const { daemon, clock, bridge, failures } = await setUp(t);
    await bridge.start({ pushes: false });
    daemon.handlers["token/get"] = () => {
      throw new AuthError("ERR_REFRESH_REJECTED", "The issuer refused it.");
    };
    const isRefused = () =>
      t.rejects(bridge.answer(REQUEST), { code: 1016, message: /The issuer refused it/ });
    await isRefused();
    await clock.advance(60_000);
    await isRefused();
    t.equal(daemon.count("token/get"), 2, "the first token, and one request for another");
    await clock.advance(1);
    await isRefused();
    t.equal(daemon.count("token/get"), 3);
    t.match(failures, [{ code: "ERR_REFRESH_REJECTED" }]);
  },
);

t.test("what may be mended by itself is asked each time", async (t) => {
  const { daemon, bridge, failures } = await setUp(t);
  await bridge.start({ pushes: false });
  daemon.handlers["token/get"] = () => {
    throw new AuthError("ERR_ISSUER_UNAVAILABLE", "The issuer is away.");
  };
  for (const calls of [2, 3]) {
    await t.rejects(bridge.answer(REQUEST), { message: /The issuer is away/ });
    t.equal(daemon.count("token/get"), calls);
  }
  t.equal(failures.length, 1);
});

t.test("a 401 that crosses a push costs no exchange, and a second one does", async (t) => {
  const { daemon, bridge, handed } = await setUp(t);
  let events: ServerResponse | undefined;
  daemon.intercept = ({ url }, response) => {
    if (url !== "/v1/events") return false;
    events = response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    return true;
  };
  await bridge.start({ pushes: true });
  await until("the bridge listens", () => events !== undefined);
  const pushed = { ...FIRST, accessToken: "eyJ.pushed", generation: 8 };
  daemon.handlers["token/get"] = () => pushed;
  const data = { cause: "refresh", session: sessionStatus({ generation: 8 }), previousAccount: null };
  events?.write(`id: 8\nevent: session/changed\ndata: ${JSON.stringify(data)}\n\n`);
  await until("the token is pushed", () => handed.length === 2);

  const rejected = (): unknown[] =>
    daemon.calls.flatMap(({ params }) => (params.rejectedToken ? [params.rejectedToken] : []));
  t.match(await bridge.answer(REQUEST), { accessToken: "eyJ.pushed" });
  t.same(rejected(), [], "it was for the token before");
  await bridge.answer(REQUEST);
  t.same(rejected(), [fingerprint("eyJ.pushed")]);
});
