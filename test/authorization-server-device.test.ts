import t from "tap";
import {
  type AuthorizationServer,
  startAuthorizationServer,
  UPSTREAM_CLIENT_ID,
} from "./helpers/authorization-server.js";
import { approveDevice, denyDevice } from "./helpers/browser-user.js";
import { codeExchange, postForm, postJson } from "./helpers/upstream-requests.js";

t.test("device login", async (t) => {
  const server = await startAuthorizationServer(t, { deviceIntervalSeconds: 0, slowDownSeconds: 0 });
  t.test("refuses wrong parameters", async (t) => {
    const { device_auth_id, user_code } = await beginDevice(server);
    t.equal((await postUsercode(server, { client_id: "app_other" })).status, 400);
    t.equal((await poll(server, { device_auth_id, user_code: "ABCD-12345" })).status, 400);
    t.equal((await poll(server, { device_auth_id: "x", user_code })).status, 400);
    t.equal((await poll(server, { device_auth_id, user_code, client_id: "x" })).status, 400);
    t.equal((await approveDevice(`${server.url}/codex/device`, "ABCD-12345")).status, 400);
  });
  t.test("answers 404 where it is disabled", async (t) => {
    server.isDeviceLoginEnabled = false;
    t.equal((await postUsercode(server)).status, 404);
    server.isDeviceLoginEnabled = true;
  });
  t.test("is pending until somebody approves, then its code buys tokens once", async (t) => {
    const { interval, ...device } = await (await postUsercode(server)).json();
    t.equal(interval, "0");
    t.equal((await poll(server, device)).status, 403);
    t.equal((await approveDevice(`${server.url}/codex/device`, device.user_code)).status, 200);
    const granted = await (await poll(server, device)).json();
    t.same(Object.keys(granted), ["authorization_code", "code_challenge", "code_verifier"]);
    const exchange = {
      ...codeExchange(granted.authorization_code),
      redirect_uri: `${server.url}/deviceauth/callback`,
      code_verifier: granted.code_verifier,
    };
    t.equal((await postForm(`${server.url}/oauth/token`, exchange)).status, 200);
    t.equal((await postForm(`${server.url}/oauth/token`, exchange)).status, 400);
  });
  t.test("says when somebody denied it", async (t) => {
    const device = await beginDevice(server);
    await denyDevice(`${server.url}/codex/device`, device.user_code);
    const response = await poll(server, device);
    t.equal(response.status, 400);
    t.match(await response.json(), { error: "access_denied" });
  });
  t.test("answers polls as scripted", async (t) => {
    const device = await beginDevice(server);
    server.scriptDevicePolls([403, 404, 429, 500, "slow_down", 200]);
    const statuses: number[] = [];
    for (let count = 0; count < 6; count += 1) statuses.push((await poll(server, device)).status);
    t.same(statuses, [403, 404, 429, 500, 400, 200]);
  });
  t.test("notices a poll that comes too early", async (t) => {
    server.deviceIntervalSeconds = 60;
    const device = await beginDevice(server);
    const before = server.violations.length;
    await poll(server, device);
    t.equal(server.violations.length, before);
    await poll(server, device);
    t.match(server.violations.at(-1), /polled after \d+ ms, interval is 60 s/);
  });
});

function postUsercode(server: AuthorizationServer, body: object = { client_id: UPSTREAM_CLIENT_ID }) {
  return postJson(`${server.url}/api/accounts/deviceauth/usercode`, body);
}

async function beginDevice(
  server: AuthorizationServer,
): Promise<{ device_auth_id: string; user_code: string }> {
  const { device_auth_id, user_code } = await (await postUsercode(server)).json();
  return { device_auth_id, user_code };
}

function poll(server: AuthorizationServer, body: object): Promise<Response> {
  return postJson(`${server.url}/api/accounts/deviceauth/token`, body);
}
