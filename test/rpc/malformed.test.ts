/** What a broken or hostile caller sends: each is answered or cut off, and the others are served on. */
import { once } from "node:events";
import type { Socket } from "node:net";
import t from "tap";
import { RPC_LIMITS } from "#daemon/rpc/limits.js";
import { deferred, startRpc } from "../helpers/rpc-harness.js";

/** Small enough not to be waited for; Node looks for late callers every timeoutCheckMs. */
const IMPATIENT = { headersTimeoutMs: 40, requestTimeoutMs: 60, keepAliveTimeoutMs: 40, timeoutCheckMs: 10 };

const POST = "POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const HEALTH = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const TIMED_OUT = /^HTTP\/1\.1 408 Request Timeout\r\n.*connection: close\r\n\r\nRequest Timeout\n$/s;

t.test("who does not finish a request is timed out", async (t) => {
  const { exchange, send } = await startRpc(t, { limits: IMPATIENT });
  t.match(await exchange(""), TIMED_OUT, "silence");
  t.match(await exchange("GET /heal"), TIMED_OUT, "half a request line");
  t.match(await exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "), TIMED_OUT, "open headers");
  t.match(await exchange(`${POST}Content-Length: 100\r\n\r\n{"jsonrpc":`), TIMED_OUT, "a body cut short");
  t.match(
    await exchange(`${POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{"jso\r\n`),
    TIMED_OUT,
    "an open chunk",
  );
  t.match(await send({ path: "/healthz" }), { status: 200 });
});

t.test("a connection that idles after its answer is closed", async (t) => {
  const { exchange } = await startRpc(t, { limits: IMPATIENT });
  t.match(await exchange(HEALTH), /^HTTP\/1\.1 200 .*"status":"ok"/s);
});

t.test("a second request that stalls is cut off without words in the first answer", async (t) => {
  const { exchange } = await startRpc(t, { limits: { ...IMPATIENT, keepAliveTimeoutMs: 10_000 } });
  const received = await exchange(`${HEALTH}GET /heal`);
  t.equal(received.split("HTTP/1.1 ").length, 2);
});

t.test("a call may last longer than its request may", async (t) => {
  const { connect } = await startRpc(t, {
    limits: IMPATIENT,
    handlers: {
      "session/list": async () => {
        await idleFor(30);
        return { sessions: [] };
      },
    },
  });
  const body = '{"jsonrpc":"2.0","id":1,"method":"session/list"}';
  const caller = await connect();
  caller.write(`${POST}Content-Length: ${body.length}\r\n\r\n${body}`);
  const [answer] = await once(caller, "data");
  t.match(String(answer), /"result":\{"sessions":\[\]\}/);
});

t.test("who does not take its answer is cut off", async (t) => {
  const { connect, rpc } = await startRpc(t, {
    limits: { silenceTimeoutMs: 40 },
    handlers: {
      "token/get": async () => ({
        accessToken: "x".repeat(4_000_000),
        expiresAtMs: null,
        accountId: null,
        planType: null,
        generation: 1,
      }),
    },
  });
  const closed = new Promise((resolve) => {
    rpc.server.once("connection", (socket) => socket.once("close", resolve));
  });
  const caller = await connect();
  caller.write("GET /v1/token HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await closed;
  caller.destroy();
});

t.test("bytes that are no HTTP are a bad request", async (t) => {
  const { exchange } = await startRpc(t);
  const junk = [
    "\0\0\0\0\r\n\r\n",
    '{"jsonrpc":"2.0","id":1,"method":"daemon/status"}\n',
    "GET /healthz HTTP/9.9\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
    `${POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${POST}Content-Length: -1\r\n\r\n`,
    `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ];
  for (const bytes of junk) {
    t.match(await exchange(bytes), /^HTTP\/1\.1 400 Bad Request\r\n/, JSON.stringify(bytes));
  }
  t.match(await exchange("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"), "");
});

t.test("junk behind a request spoils nothing but its own connection", async (t) => {
  const { exchange, send } = await startRpc(t);
  await exchange(`${HEALTH}junk junk junk\r\n\r\n`);
  t.match(await send({ path: "/healthz" }), { status: 200 });
});

t.test("pipelined requests are answered in order", async (t) => {
  const { exchange } = await startRpc(t);
  const last = HEALTH.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const received = await exchange(`${HEALTH}${HEALTH.replace("/healthz", "/nowhere")}${last}`);
  t.same(received.match(/^HTTP\/1\.1 \d+/gm), ["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200"]);
});

t.test("headers are bounded", async (t) => {
  const { exchange } = await startRpc(t);
  const padded = (length: number) =>
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ${"x".repeat(length)}\r\n\r\n`;
  t.match(await exchange(padded(RPC_LIMITS.headerMaxBytes)), /^HTTP\/1\.1 431 /);
  t.match(
    await exchange(`GET /${"x".repeat(RPC_LIMITS.headerMaxBytes)} HTTP/1.1\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  );
  t.match(await exchange(padded(RPC_LIMITS.headerMaxBytes - 200)), /^HTTP\/1\.1 200 /);
});

t.test("a body that says too much, or turns out to be too much, is refused", async (t) => {
  const { exchange } = await startRpc(t);
  const tooLarge = /^HTTP\/1\.1 413 .*"code":-32600.*larger than 65536 bytes/s;
  t.match(await exchange(`${POST}Content-Length: 999999999\r\n\r\n{`), tooLarge);
  const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`;
  t.match(await exchange(`${POST}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}0\r\n\r\n`), tooLarge);
});

t.test("deep JSON is refused", async (t) => {
  const { rpcText } = await startRpc(t);
  const answer = await rpcText(`${"[".repeat(32_000)}${"]".repeat(32_000)}`);
  t.match(JSON.parse(answer.body), { error: { code: -32600, message: /nested deeper/ } });
  t.match(JSON.parse((await rpcText('{"a":'.repeat(13_000))).body), { error: { code: -32700 } });
});

t.test(
  "a thousand connections more than there may be do not keep the old ones from being served",
  async (t) => {
    const { connect, socketPath } = await startRpc(t, { limits: { connectionsMax: 20 } });
    const served = await connect();
    const crowd = await Promise.all(Array.from({ length: 1_019 }, () => connect().catch(() => undefined)));
    t.teardown(() => {
      for (const socket of crowd) socket?.destroy();
      served.destroy();
    });
    const dropped = crowd.filter((socket) => socket !== undefined).map(drainedAndClosed);
    await Promise.all(dropped.slice(19));
    served.write(HEALTH);
    const [answer] = await once(served, "data");
    t.match(String(answer), /^HTTP\/1\.1 200 /, socketPath);
  },
);

t.test("a place that is given up is taken by the next", async (t) => {
  const { connect, send } = await startRpc(t, { limits: { connectionsMax: 1 } });
  const first = await connect();
  const refused = await connect();
  await drainedAndClosed(refused);
  first.destroy();
  const answered = deferred<number>();
  const attempt = async (): Promise<void> => {
    const answer = await send({ path: "/healthz" }).catch(() => undefined);
    if (answer) answered.resolve(answer.status);
    else await attempt();
  };
  await attempt();
  t.equal(await answered.promise, 200);
});

function drainedAndClosed(socket: Socket): Promise<void> {
  socket.resume();
  socket.on("error", () => {});
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
}

/** Longer than every bound in IMPATIENT, many times looked at. */
function idleFor(looks: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, looks * IMPATIENT.timeoutCheckMs));
}
