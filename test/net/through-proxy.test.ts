import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Redacted } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createHttp, type HttpRequest } from "#daemon/net/http.js";
import type { HttpFailure } from "#daemon/net/http-failure.js";
import { DIRECT, type NetworkSettings } from "#daemon/net/network-settings.js";
import { startCannedServer } from "../helpers/canned-server.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { startProxy } from "../helpers/proxy-server.js";

const ISSUER = "https://issuer.example/oauth/token";

function through(url: string): NetworkSettings {
  const proxy = { value: new Redacted(url), source: "ALL_PROXY" };
  return { ...DIRECT, httpProxy: proxy, httpsProxy: proxy };
}

function post(url: string, options: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "POST",
    url,
    headers: { accept: "*/*" },
    body: "token=rt_x",
    deadlineMs: 30_000,
    ...options,
  };
}

/** What a request fails with. */
async function failure(t: Test, settings: NetworkSettings, request: HttpRequest): Promise<HttpFailure> {
  const http = createHttp();
  t.teardown(() => http.close());
  return http
    .through(settings)
    .request(request)
    .then(
      () => Promise.reject(new Error("It did not fail.")),
      (error: HttpFailure) => error,
    );
}

/** A TCP server that does what it is told with each connection. */
async function startRawServer(t: Test, serve: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test(
  "an http request goes through the proxy as a whole URL, with the credentials for the proxy alone",
  async (t) => {
    const server = await startCannedServer(t, [{ body: "done" }]);
    const proxy = await startProxy(t, { credentials: "me:p@ss" });
    const http = createHttp().through(through(`http://me:p%40ss@${proxy.host}`));
    const response = await http.request(post(`${server.url}/oauth/token?x=1`));
    t.equal(response.body, "done");
    t.match(proxy.requests, [
      { method: "POST", target: `${server.url}/oauth/token?x=1`, authorization: /^Basic / },
    ]);
    t.match(server.requests, [{ method: "POST", target: "/oauth/token?x=1", body: "token=rt_x" }]);
    const names = server.requests[0]?.headers.map(([name]) => name.toLowerCase()) ?? [];
    t.notOk(names.includes("proxy-authorization"));
  },
);

t.test("an exempt host is reached directly", async (t) => {
  const server = await startCannedServer(t, [{ body: "done" }]);
  const proxy = await startProxy(t);
  const settings = { ...through(proxy.url), noProxy: "127.0.0.0/8" };
  t.equal((await createHttp().through(settings).request(post(server.url))).body, "done");
  t.equal(proxy.requests.length, 0);
});

t.test("an http request that the proxy answers 407 was not sent", async (t) => {
  const server = await startCannedServer(t, [{}]);
  const { host } = await startProxy(t, { credentials: "me:right" });
  const bare = await failure(t, through(`http://${host}`), post(server.url));
  t.match(bare, {
    wasSent: false,
    message: `the proxy http://${host} (ALL_PROXY) wants a user name and a password (407). Write them into ALL_PROXY`,
  });
  const wrong = await failure(t, through(`http://me:wrong@${host}`), post(server.url));
  t.match(wrong, { wasSent: false, message: /refuses the user name or the password \(407\)/ });
  t.notMatch(wrong.message, /wrong/);
  t.equal(server.requests.length, 0);
});

t.test(
  "an https request asks the proxy for a tunnel; whatever it answers but a tunnel, nothing was sent",
  async (t) => {
    const rows = [
      [
        403,
        /the proxy http:\S+ \(ALL_PROXY\) refuses to connect to issuer\.example \(403\)\. Ask its administrator/,
      ],
      [407, /wants a user name and a password \(407\)/],
      [502, /cannot connect to issuer\.example \(502\)/],
    ] as const;
    for (const [refusal, message] of rows) {
      const proxy = await startProxy(t, { refusal });
      t.match(await failure(t, through(proxy.url), post(ISSUER)), { wasSent: false, message });
      t.match(proxy.requests, [
        { method: "CONNECT", target: "issuer.example:443", authorization: undefined },
      ]);
    }
    const proxy = await startProxy(t, { credentials: "me:right" });
    const wrong = await failure(t, through(`http://me:wrong@${proxy.host}`), post(ISSUER));
    t.match(wrong, { wasSent: false, message: /refuses the user name or the password \(407\)/ });
  },
);

const BROKEN: Readonly<Record<string, readonly [serve: (socket: Socket) => void, message: RegExp]>> = {
  "closes at once": [(socket) => socket.destroy(), /the proxy http:\S+ \(ALL_PROXY\) cannot be reached/],
  "closes after the CONNECT": [(socket) => socket.once("data", () => socket.end()), /cannot be reached/],
  "speaks no HTTP": [
    (socket) => socket.once("data", () => socket.write("SSH-2.0-x\r\n")),
    /cannot be reached/,
  ],
  "closes the tunnel during the TLS handshake": [
    (socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.once("data", () => socket.end());
      }),
    /The request to issuer\.example could not be sent: .*TLS/,
  ],
  "answers a tunnel with no TLS behind it": [
    (socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n")),
    /The request to issuer\.example could not be sent/,
  ],
};

for (const [name, [serve, message]] of Object.entries(BROKEN)) {
  t.test(`through a proxy that ${name}, nothing was sent`, async (t) => {
    const url = await startRawServer(t, serve);
    t.match(await failure(t, through(url), post(ISSUER)), { wasSent: false, message });
  });
}

t.test("a proxy that nobody listens on is named", async (t) => {
  const message =
    /the proxy http:\/\/127\.0\.0\.1:1 \(ALL_PROXY\) cannot be reached: .*ECONNREFUSED.*Check that it runs/;
  for (const target of [ISSUER, "http://127.0.0.1:9/"]) {
    t.match(await failure(t, through("http://127.0.0.1:1"), post(target)), { wasSent: false, message });
  }
});

t.test("a proxy that does not answer the CONNECT ends with the deadline, unsent", async (t) => {
  const clock = createManualClock();
  let arrived = 0;
  const url = await startRawServer(t, (socket) => socket.once("data", () => (arrived += 1)));
  const http = createHttp(clock);
  const ended = http
    .through(through(url))
    .request(post(ISSUER))
    .catch((error: HttpFailure) => error);
  while (arrived === 0) await nextTurn();
  await clock.advance(30_000);
  t.match(await ended, { wasSent: false, message: /issuer\.example.*no whole answer within 30 s/ });
});

t.test("a tunnel whose TLS handshake is never answered ends when the daemon stops, unsent", async (t) => {
  let hellos = 0;
  const url = await startRawServer(t, (socket) =>
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.once("data", () => (hellos += 1));
    }),
  );
  const http = createHttp();
  const ended = http
    .through(through(url))
    .request(post(ISSUER))
    .catch((error: HttpFailure) => error);
  while (hellos === 0) await nextTurn();
  await http.close();
  t.match(await ended, { wasSent: false, message: /the daemon is stopping/ });
});

t.test(
  "after the request was written through a proxy, a lost answer is one that was possibly sent",
  async (t) => {
    const url = await startRawServer(t, (socket) => socket.once("data", () => socket.resetAndDestroy()));
    t.match(await failure(t, through(url), post("http://127.0.0.1:9/")), { wasSent: true });
  },
);

t.test("settings that cannot be used send nothing, and can be asked about before", async (t) => {
  const settings = { ...DIRECT, caFile: { value: "/nowhere/ca.pem", source: "SSL_CERT_FILE" } };
  const message = /The CA file \/nowhere\/ca\.pem, which SSL_CERT_FILE names, cannot be read \(ENOENT\)/;
  t.match(await failure(t, settings, post(ISSUER)), { wasSent: false, message });
  t.throws(() => createHttp().check(ISSUER, settings), { message });
  t.throws(() => createHttp().check(ISSUER, through("socks5://p")), { message: /"socks5"/ });
  t.doesNotThrow(() => createHttp().check(ISSUER, through("http://p")));
});
