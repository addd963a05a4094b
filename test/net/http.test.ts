import dns from "node:dns";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import t, { type Test } from "tap";
import { createHttp, type HttpRequest } from "#daemon/net/http.js";
import { HttpFailure } from "#daemon/net/http-failure.js";
import { DIRECT } from "#daemon/net/network-settings.js";
import { startCannedServer } from "../helpers/canned-server.js";
import { createManualClock } from "../helpers/manual-clock.js";

const SECRET = "rt_secret_that_no_error_may_show";

function post(url: string, options: Partial<HttpRequest> = {}): HttpRequest {
  const headers = { "content-type": "text/plain", accept: "*/*" };
  return { method: "POST", url, headers, body: `token=${SECRET}`, deadlineMs: 30_000, ...options };
}

/** A TCP server on a port of loopback that does what it is told with each connection. */
async function startRawServer(
  t: Test,
  serve: (socket: Socket) => void,
): Promise<{ port: number; connections: Socket[] }> {
  const connections: Socket[] = [];
  const server: Server = createServer((socket) => {
    connections.push(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.close();
    for (const socket of connections) socket.destroy();
  });
  return { port: portOf(server), connections };
}

/** Says `answer` once the request has come. */
function answering(answer: string): (socket: Socket) => void {
  return (socket) => socket.once("data", () => socket.write(answer));
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function failureOf(t: Test, promise: Promise<unknown>): Promise<HttpFailure> {
  const error = await promise.then(
    () => t.fail("should have failed"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof HttpFailure)) throw error;
  t.notMatch(error.message, SECRET, "no secret in the message");
  return error;
}

t.test("a failure before anything was sent", async (t) => {
  const http = createHttp().through(DIRECT);

  t.test("refuses what is no URL, as the caller's bug", async (t) => {
    await t.rejects(http.request(post("nonsense")), TypeError);
  });

  t.test("refuses a name that does not resolve", async (t) => {
    t.intercept(dns, "lookup", {
      value: (name: string, _options: unknown, callback: (error: Error) => void) =>
        callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" })),
    });
    const failure = await failureOf(t, http.request(post("http://localhost:1/token")));
    t.equal(failure.wasSent, false);
    t.match(failure.message, "ENOTFOUND localhost");
  });

  t.test("says of https what to do where only a proxy leads out", async (t) => {
    const failure = await failureOf(t, http.request(post(`https://127.0.0.1:${await freePort()}/`)));
    t.equal(failure.wasSent, false);
    t.match(
      failure.message,
      /ECONNREFUSED.*set HTTPS_PROXY and log in again, or set `https_proxy` in config\.toml/,
    );
  });

  t.test("refuses a port that nobody listens on", async (t) => {
    const failure = await failureOf(
      t,
      http.request(post(`http://127.0.0.1:${await freePort()}/token?code=abc`)),
    );
    t.equal(failure.wasSent, false);
    t.match(failure.message, "ECONNREFUSED");
    t.notMatch(failure.message, "abc", "nothing of the query is shown");
  });

  t.test("refuses a server that does not speak TLS", async (t) => {
    const { port } = await startRawServer(t, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    t.equal((await failureOf(t, http.request(post(`https://127.0.0.1:${port}/`)))).wasSent, false);
  });

  t.test("refuses a server that closes during the TLS handshake", async (t) => {
    const { port } = await startRawServer(t, (socket) => socket.destroy());
    t.equal((await failureOf(t, http.request(post(`https://127.0.0.1:${port}/`)))).wasSent, false);
  });

  t.test("ends at the deadline of a TLS handshake that is never answered", async (t) => {
    const clock = createManualClock();
    const { port, connections } = await startRawServer(t, () => {});
    const failure = failureOf(
      t,
      createHttp(clock)
        .through(DIRECT)
        .request(post(`https://127.0.0.1:${port}/`)),
    );
    while (connections.length === 0) await nextTurn();
    await clock.advance(30_000);
    t.equal((await failure).wasSent, false);
    t.match((await failure).message, "within 30 s");
  });

  t.test("ends when the signal had aborted before", async (t) => {
    const failure = await failureOf(
      t,
      http.request(post("http://127.0.0.1:9/", { signal: AbortSignal.abort() })),
    );
    t.equal(failure.wasSent, false);
  });
});

t.test("a failure after the request was sent", async (t) => {
  const http = createHttp().through(DIRECT);
  const broken: Record<string, (socket: Socket) => void> = {
    "a reset": (socket) => socket.once("data", () => socket.resetAndDestroy()),
    "a close without an answer": (socket) => socket.once("data", () => socket.end()),
    "an answer that is not HTTP": answering("SSH-2.0-OpenSSH_9.2\r\n"),
    "a head that never ends": (socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n")),
    "a body shorter than announced": (socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{}")),
    "a broken chunk": answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
    "headers without end": answering(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(1_000_000)}\r\n\r\n`),
  };
  for (const [name, serve] of Object.entries(broken)) {
    t.test(`tells ${name} as possibly sent`, async (t) => {
      const { port, connections } = await startRawServer(t, serve);
      t.equal((await failureOf(t, http.request(post(`http://127.0.0.1:${port}/`)))).wasSent, true);
      t.equal(connections.length, 1, "and does not send it again");
    });
  }

  t.test("tells nothing of a broken answer's content", async (t) => {
    const { port } = await startRawServer(t, answering(`HTTP/1.1 200 OK\r\nbad header ${SECRET}\r\n\r\n`));
    const failure = await failureOf(t, http.request(post(`http://127.0.0.1:${port}/`)));
    t.notMatch(JSON.stringify(failure, Object.getOwnPropertyNames(failure)), SECRET);
    t.equal(failure.cause, undefined);
  });

  t.test("refuses a body of more than 1 MiB, and takes one of exactly that", async (t) => {
    const limit = 1_048_576;
    const server = await startCannedServer(t, [{ body: "x".repeat(limit) }, { body: "x".repeat(limit + 1) }]);
    t.equal((await http.request(post(server.url))).body.length, limit);
    t.equal((await failureOf(t, http.request(post(server.url)))).wasSent, true);
  });

  t.test("ends at the deadline of an answer that trickles", async (t) => {
    const clock = createManualClock();
    let trickle: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      trickle = resolve;
    });
    const { port } = await startRawServer(t, (socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{");
        trickle();
      }),
    );
    const failure = failureOf(
      t,
      createHttp(clock)
        .through(DIRECT)
        .request(post(`http://127.0.0.1:${port}/`)),
    );
    await arrived;
    await clock.advance(29_999);
    await clock.advance(1);
    t.equal((await failure).wasSent, true);
    t.match((await failure).message, "no whole answer within 30 s");
  });

  t.test("ends when the signal aborts, and when the client is closed", async (t) => {
    const { port, connections } = await startRawServer(t, () => {});
    const own = createHttp();
    const controller = new AbortController();
    const aborted = failureOf(
      t,
      own.through(DIRECT).request(post(`http://127.0.0.1:${port}/`, { signal: controller.signal })),
    );
    const closed = failureOf(t, own.through(DIRECT).request(post(`http://127.0.0.1:${port}/`)));
    while (connections.length < 2 || connections.some((socket) => socket.bytesRead === 0)) await nextTurn();
    controller.abort();
    t.equal((await aborted).wasSent, true);
    await own.close();
    t.equal((await closed).wasSent, true);
    t.equal(
      (await failureOf(t, own.through(DIRECT).request(post(`http://127.0.0.1:${port}/`)))).wasSent,
      false,
    );
  });
});

t.test("an answer", async (t) => {
  const http = createHttp().through(DIRECT);

  t.test("is given with status, lower-case headers and body, whatever the status", async (t) => {
    const answers = [200, 204, 400, 429, 503].map((status) => ({
      status,
      headers: { "X-Thing": "A" },
      body: "",
    }));
    const server = await startCannedServer(t, answers);
    for (const { status } of answers) {
      const response = await http.request(post(`${server.url}/a?b=c`));
      t.equal(response.status, status);
      t.equal(response.headers["x-thing"], "A");
    }
    t.equal(server.requests[0]?.target, "/a?b=c");
    t.equal(server.requests[0]?.body, `token=${SECRET}`);
  });

  t.test("is decoded as UTF-8 across chunks, and repeated headers are joined", async (t) => {
    const body = Buffer.from("é");
    const { port } = await startRawServer(t, (socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nvia: a\r\nvia: b\r\ncontent-length: 2\r\n\r\n");
        socket.write(body.subarray(0, 1));
        setImmediate(() => socket.write(body.subarray(1)));
      }),
    );
    const response = await http.request(post(`http://127.0.0.1:${port}/`));
    t.equal(response.body, "é");
    t.equal(response.headers.via, "a, b");
  });

  t.test("that is a redirect is not followed", async (t) => {
    const other = await startCannedServer(t, [{}]);
    const server = await startCannedServer(t, [{ status: 307, headers: { location: other.url } }]);
    t.equal((await http.request(post(server.url))).status, 307);
    t.equal(other.requests.length, 0);
  });

  t.test("comes over a connection that is used once", async (t) => {
    const { port, connections } = await startRawServer(
      t,
      answering("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}"),
    );
    for (const count of [1, 2, 3]) {
      t.equal((await http.request(post(`http://127.0.0.1:${port}/`))).body, "{}");
      t.equal(connections.length, count);
    }
  });
});
