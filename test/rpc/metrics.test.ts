import t from "tap";
import { deferred, startRpc } from "../helpers/rpc-harness.js";

t.test("/metrics is in the Prometheus text format, and counts calls over both routes", async (t) => {
  const token = {
    accessToken: "the-token",
    expiresAtMs: null,
    accountId: null,
    planType: null,
    generation: 1,
  };
  const { send, call } = await startRpc(t, { handlers: { "token/get": async () => token } });
  await send({ path: "/v1/token" });
  await call("token/get", {});
  await call("token/get", { codexHome: 1 });
  await call("login/cancel", { loginId: "0f9a4f5e-2d44-4d0b-8b67-0b8d2f1b7f11" });
  const { status, headers, body } = await send({ path: "/metrics" });
  t.match({ status, headers }, { status: 200, headers: { "content-type": /^text\/plain; version=0\.0\.4/ } });
  t.match(body, /^codex_authd_calls_total\{method="token\/get",result="ok"\} 2$/m);
  t.match(body, /^codex_authd_calls_total\{method="token\/get",result="invalidParams"\} 1$/m);
  t.match(body, /^codex_authd_calls_total\{method="login\/cancel",result="internalError"\} 1$/m);
  t.match(body, /^codex_authd_build_info\{version="1\.2\.3"\} 1$/m);
  t.notMatch(body, /the-token/);
});

t.test("a caller cannot add labels: an unknown method is not counted", async (t) => {
  const { send, call } = await startRpc(t);
  await call("no/such", {});
  t.notMatch((await send({ path: "/metrics" })).body, /no\/such/);
});

t.test("a call is counted once it was answered", async (t) => {
  const { promise, resolve } = deferred<{ cancelled: boolean }>();
  const { send, call } = await startRpc(t, { handlers: { "login/cancel": () => promise } });
  const answer = call("login/cancel", { loginId: "0f9a4f5e-2d44-4d0b-8b67-0b8d2f1b7f11" });
  t.notMatch((await send({ path: "/metrics" })).body, /login\/cancel/);
  resolve({ cancelled: true });
  await answer;
  t.match((await send({ path: "/metrics" })).body, /method="login\/cancel",result="ok"\} 1$/m);
});
