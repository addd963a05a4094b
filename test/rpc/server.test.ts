import { AuthError } from "@codex-authd/shared";
import t from "tap";
import { deferred, startRpc } from "../helpers/rpc-harness.js";

const TOKEN = {
  accessToken: "the-token",
  expiresAtMs: null,
  accountId: null,
  planType: null,
  generation: 1,
};
const listSessions = async () => ({ sessions: [] });

t.test("web pages and foreign hosts are refused", async (t) => {
  const { send } = await startRpc(t, { handlers: { "session/list": listSessions } });
  const refused = { status: 403, headers: { "codex-authd-error": "ERR_CALLER_REFUSED" } };
  const foreign = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { referer: "http://localhost/" },
    { host: "evil.example" },
    { host: "localhost:1455" },
    { host: "127.0.0.1" },
  ];
  for (const headers of foreign) {
    for (const path of ["/healthz", "/v1/token", "/v1/events", "/nowhere"]) {
      t.match(await send({ path, headers }), refused, `${JSON.stringify(headers)} ${path}`);
    }
    const json = { ...headers, "content-type": "application/json" };
    const answer = await send({ method: "POST", path: "/v1/rpc", headers: json, body: "{}" });
    t.match(answer, refused);
    t.match(JSON.parse(answer.body), {
      jsonrpc: "2.0",
      id: null,
      error: { data: { code: "ERR_CALLER_REFUSED" } },
    });
  }
});

t.test("an Origin hides behind no number of headers", async (t) => {
  const { exchange } = await startRpc(t);
  const filler = "a:\r\n".repeat(2_500);
  const answer = await exchange(
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${filler}Origin: x\r\n\r\n`,
  );
  t.match(answer, /^HTTP\/1\.1 403 /);
});

t.test("a request without Host is refused", async (t) => {
  const { exchange } = await startRpc(t);
  t.match(await exchange("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 403 /);
  t.match(await exchange("GET /healthz HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 403 /);
  t.match(await exchange("GET /healthz HTTP/1.0\r\nHost:\r\n\r\n"), /^HTTP\/1\.1 403 /);
});

t.test("an unknown route is 404 in text", async (t) => {
  const { send } = await startRpc(t);
  t.match(await send({ path: "/" }), { status: 404, body: "Not Found\n" });
  t.match(await send({ path: "/v1/rpc" }), { status: 404, body: "Not Found\n" });
  t.match(await send({ method: "PUT", path: "/v1/token" }), { status: 404, body: "Not Found\n" });
  t.match(await send({ path: "/%" }), { status: 400, body: "Bad Request\n" });
});

t.test("bodies that are not for us are answered in JSON-RPC", async (t) => {
  const { send, rpcText } = await startRpc(t);
  const post = (contentType: string | undefined, body: string) =>
    send({
      method: "POST",
      path: "/v1/rpc",
      headers: contentType ? { "content-type": contentType } : {},
      body,
    });
  const invalid = { jsonrpc: "2.0", id: null, error: { code: -32600 } };
  for (const contentType of [undefined, "text/plain", "application/x-www-form-urlencoded", "nonsense"]) {
    const answer = await post(contentType, "{}");
    t.equal(answer.status, 415);
    t.match(JSON.parse(answer.body), invalid);
  }
  const large = await rpcText("x".repeat(65_537));
  t.equal(large.status, 413);
  t.match(JSON.parse(large.body), invalid);
  t.match(
    JSON.parse((await rpcText(" ".repeat(65_536))).body),
    { error: { code: -32700 } },
    "64 KiB is read",
  );
  t.match(JSON.parse((await rpcText("")).body), { error: { code: -32700 } });
  t.match(JSON.parse((await send({ method: "POST", path: "/v1/rpc" })).body), { error: { code: -32700 } });
});

t.test("every answer states the protocol version, and is not to be stored", async (t) => {
  const { send, rpcText, exchange } = await startRpc(t, { handlers: { "token/get": async () => TOKEN } });
  const stated = { "codex-authd-protocol": "1", "cache-control": "no-store" };
  const answers = [
    await send({ path: "/healthz" }),
    await send({ path: "/v1/token" }),
    await send({ path: "/v1/token?codexHome=relative" }),
    await send({ path: "/nowhere" }),
    await send({ path: "/%" }),
    await send({ path: "/healthz", headers: { origin: "x" } }),
    await rpcText("{"),
    await rpcText("x".repeat(70_000)),
    await send({ path: "/healthz", headers: { expect: "miracles" } }),
  ];
  for (const { headers } of answers) t.match(headers, stated);
  t.match(await exchange("nonsense\r\n\r\n"), /codex-authd-protocol: 1\r\n/);
});

t.test("calls are answered, and notifications with 204 and nothing", async (t) => {
  const { call, rpcText } = await startRpc(t, { handlers: { "session/list": listSessions } });
  t.same(await call("session/list"), { jsonrpc: "2.0", result: { sessions: [] }, id: 1 });
  const notification = '{"jsonrpc":"2.0","method":"session/list"}';
  t.match(await rpcText(notification), { status: 204, body: "" });
  t.match(await rpcText(`[${notification},${notification}]`), { status: 204, body: "" });
  t.match(await rpcText("{"), { status: 200, headers: { "content-type": /^application\/json/ } });
});

t.test("the hosts that local programs say are served", async (t) => {
  const { send } = await startRpc(t);
  for (const host of ["localhost", "codex-authd", "LOCALHOST"]) {
    const answer = await send({ path: "/healthz", headers: { host } });
    t.match(answer, { status: 200 });
    t.same(JSON.parse(answer.body), { status: "ok", version: "1.2.3" });
  }
});

t.test("a handler learns that its caller hung up", async (t) => {
  const started = deferred();
  const hungUp = deferred();
  const { connect, log } = await startRpc(t, {
    handlers: {
      "session/list": async (_params, { signal }) => {
        started.resolve();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        hungUp.resolve();
        throw signal.reason;
      },
    },
  });
  const socket = await connect();
  const body = '{"jsonrpc":"2.0","id":1,"method":"session/list"}';
  socket.write(
    `POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await started.promise;
  socket.destroy();
  await hungUp.promise;
  t.match(log, [], "which is no failure of ours");
});

t.test("a caller that stays sees no abort", async (t) => {
  let signal: AbortSignal | undefined;
  const { call } = await startRpc(t, {
    handlers: {
      "session/list": async (_params, context) => {
        signal = context.signal;
        return { sessions: [] };
      },
    },
  });
  await call("session/list");
  t.equal(signal?.aborted, false);
});

t.test("calls at once are bounded", async (t) => {
  const gate = deferred();
  const { call, rpcText } = await startRpc(t, {
    limits: { callsMax: 1 },
    handlers: {
      "session/list": async () => {
        await gate.promise;
        return { sessions: [] };
      },
      "daemon/shutdown": async () => {
        gate.resolve();
        return { stopping: true };
      },
    },
  });
  const first = call("session/list");
  let answer = await rpcText("{}");
  while (answer.status !== 503) answer = await rpcText("{}");
  t.match(answer.headers, { "codex-authd-error": "ERR_CALLER_REFUSED" });
  gate.resolve();
  t.match(await first, { result: { sessions: [] } });
  t.match(await call("daemon/shutdown"), { result: { stopping: true } }, "and free again afterwards");
});

t.test("after close() a call in flight is answered, and its connection given up", async (t) => {
  const started = deferred();
  const gate = deferred();
  const { rpc, send } = await startRpc(t, {
    handlers: {
      "session/list": async () => {
        started.resolve();
        await gate.promise;
        return { sessions: [] };
      },
    },
  });
  const headers = { "content-type": "application/json", connection: "keep-alive" };
  const body = '{"jsonrpc":"2.0","id":1,"method":"session/list"}';
  const answer = send({ method: "POST", path: "/v1/rpc", headers, body });
  await started.promise;
  const closed = rpc.close();
  gate.resolve();
  t.match(await answer, { status: 200, headers: { connection: "close" } });
  await closed;
  await rpc.close();
});

t.test("an error of an AuthError's cause stays inside", async (t) => {
  const { call } = await startRpc(t, {
    handlers: {
      "session/list": async () => {
        throw new AuthError("ERR_STORAGE_UNAVAILABLE", "No disk.", { cause: new Error("secret") });
      },
    },
  });
  t.notMatch(JSON.stringify(await call("session/list")), /secret/);
});
