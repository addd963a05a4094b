import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { AuthError, systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createPortHolderFinder } from "#daemon/net/port-holder.js";
import { createLoopbackRedirects, type PendingRedirect } from "#daemon/oauth/loopback-redirect.js";
import { cancelledPage } from "#daemon/oauth/pages/cancelled.js";
import { CONTENT_SECURITY_POLICY } from "#daemon/oauth/pages/layout.js";
import { successPage } from "#daemon/oauth/pages/success.js";
import { unfinishedPage } from "#daemon/oauth/pages/unfinished.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { cancelOfCodex } from "../helpers/port-occupant.js";

const findHolder = createPortHolderFinder();
const ANY_PORT = { ports: [0], redirectHost: "localhost" } as const;
const SUCCESS = successPage({ email: "me@example.com", planType: "pro" });

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Visit {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** Opens `target` on 127.0.0.1, as a browser under the name localhost does. */
function visit(port: number, target: string, { method = "GET", headers = {} }: Visit = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: target, method, agent: false };
    const outgoing = httpRequest({ ...options, headers: { host: `localhost:${port}`, ...headers } });
    outgoing.once("error", reject).once("response", async (incoming) => {
      const { statusCode: status = 0, headers } = incoming;
      resolve({ status, headers, body: await text(incoming).catch(reject).then(String) });
    });
    outgoing.end();
  });
}

function start(t: Test, clock = systemClock) {
  const redirects = createLoopbackRedirects({ clock, findHolder });
  t.teardown(() => redirects.close());
  return redirects;
}

async function expectOne(t: Test, state = "s1") {
  const redirects = start(t);
  const pending = await redirects.expect(state, ANY_PORT);
  return { redirects, pending, port: portOf(pending) };
}

const portOf = (pending: PendingRedirect) => Number(new URL(pending.redirectUri).port);

/** A socket that says `head` and stays. */
async function open(t: Test, port: number, head = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  t.teardown(() => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(head);
  return socket;
}

/** True when nobody listens. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isBound = await listen(server, port);
  server.close();
  return isBound;
}

async function listen(server: Server, port: number): Promise<boolean> {
  server.listen({ port, host: "127.0.0.1", exclusive: true });
  return once(server, "listening").then(
    () => true,
    () => false,
  );
}

async function holdPort(t: Test): Promise<number> {
  const server = createServer();
  await listen(server, 0);
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

t.test("what is no authorization response", async (t) => {
  const { pending, port } = await expectOne(t);
  const refused: [name: string, target: string, visit: Visit, status: number, body?: string][] = [
    ["a foreign Host", "/auth/callback?code=a&state=s1", { headers: { host: `evil.example:${port}` } }, 400],
    ["a Host without the port", "/auth/callback?code=a&state=s1", { headers: { host: "localhost" } }, 400],
    ["a Host of another port", "/auth/callback?code=a&state=s1", { headers: { host: "localhost:1" } }, 400],
    ["an absolute target", `http://localhost:${port}/auth/callback?code=a&state=s1`, {}, 400],
    ["a POST", "/auth/callback?code=a&state=s1", { method: "POST" }, 405],
    ["a HEAD", "/auth/callback?code=a&state=s1", { method: "HEAD" }, 405],
    ["OPTIONS", "/auth/callback", { method: "OPTIONS" }, 405],
    ["no state", "/auth/callback?code=a", {}, 400, "State mismatch"],
    ["a wrong state", "/auth/callback?code=a&state=s2", {}, 400, "State mismatch"],
    ["an empty state", "/auth/callback?code=a&state=", {}, 400, "State mismatch"],
    ["two states", "/auth/callback?code=a&state=s1&state=s1", {}, 400, "State mismatch"],
    ["an error of a wrong state", "/auth/callback?error=access_denied&state=s2", {}, 400, "State mismatch"],
    ["another path", "/", {}, 404, "Not Found"],
    ["upstream's success page", "/success", {}, 404, "Not Found"],
    ["a path below", "/auth/callback/x?code=a&state=s1", {}, 404, "Not Found"],
    ["a favicon", "/favicon.ico", {}, 404, "Not Found"],
    ["a path with two slashes", "//auth/callback?code=a&state=s1", {}, 404, "Not Found"],
    ["/cancel with an Origin", "/cancel", { headers: { origin: "https://evil.example" } }, 403],
    ["/cancel with a Referer", "/cancel", { headers: { referer: "https://evil.example/" } }, 403],
    ["/cancel with Sec-Fetch-Site", "/cancel", { headers: { "sec-fetch-site": "cross-site" } }, 403],
    ["/cancel with Sec-Fetch-Mode", "/cancel", { headers: { "Sec-Fetch-Mode": "no-cors" } }, 403],
    ["/cancel by POST", "/cancel", { method: "POST" }, 405],
  ];
  for (const [name, target, options, status, body] of refused) {
    t.test(`${name} is answered with ${status}`, async (t) => {
      const answer = await visit(port, target, options);
      t.equal(answer.status, status);
      t.match(answer.headers["content-type"], "text/plain");
      if (body !== undefined) t.equal(answer.body, body);
    });
  }
  t.test("ends nothing: the true response is still taken", async (t) => {
    const answer = visit(port, "/auth/callback?code=the_code&state=s1");
    const response = await pending.response;
    t.equal(response.kind === "code" && response.code.reveal(), "the_code");
    pending.answer(SUCCESS);
    t.equal((await answer).status, 200);
  });
});

t.test("every answer forbids caching, sniffing, framing, and naming its address", async (t) => {
  const { pending, port } = await expectOne(t);
  const page = visit(port, "/auth/callback?code=a&state=s1");
  await pending.response;
  const conflict = await visit(port, "/auth/callback?code=a&state=s1");
  pending.answer(SUCCESS);
  const answers = [
    await page,
    conflict,
    await visit(port, "/"),
    await visit(port, "/cancel", { method: "PUT" }),
  ];
  t.strictSame(
    answers.map(({ status }) => status),
    [200, 409, 404, 405],
  );
  for (const { headers } of answers) {
    t.match(headers, {
      "cache-control": "no-store",
      connection: "close",
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
  }
});

t.test("a response", async (t) => {
  t.test("is taken under both names of the host, and with upstream's suffix", async (t) => {
    for (const host of ["localhost", "127.0.0.1", "LOCALHOST"]) {
      const { pending, port } = await expectOne(t);
      const target = "/auth/callback?code=a&state=s1.onboarding_entrypoint=life_sciences";
      const answer = visit(port, target, { headers: { host: `${host}:${port}` } });
      t.equal((await pending.response).kind, "code");
      pending.answer(SUCCESS);
      t.equal((await answer).body, SUCCESS.html);
    }
  });

  t.test("that is an error is one too", async (t) => {
    const { pending, port } = await expectOne(t);
    const answer = visit(port, "/auth/callback?error=access_denied&error_description=No&state=s1");
    t.match(await pending.response, { kind: "error", error: "access_denied", description: "No" });
    pending.answer(cancelledPage());
    t.match((await answer).body, "Sign-in cancelled");
  });

  t.test("that holds neither is told as malformed", async (t) => {
    const { pending, port } = await expectOne(t);
    const answer = visit(port, "/auth/callback?state=s1");
    t.match(await pending.response, { kind: "malformed" });
    pending.answer(cancelledPage());
    await answer;
  });

  t.test("is taken once: a second one is refused while the first waits", async (t) => {
    const { pending, port } = await expectOne(t);
    const first = visit(port, "/auth/callback?code=first&state=s1");
    await pending.response;
    const second = await visit(port, "/auth/callback?code=second&state=s1");
    t.equal(second.status, 409);
    const response = await pending.response;
    t.equal(response.kind === "code" && response.code.reveal(), "first");
    pending.answer(SUCCESS);
    t.equal((await first).status, 200);
  });

  t.test("may be answered before the browser has come", async (t) => {
    const { pending, port } = await expectOne(t);
    pending.answer(SUCCESS);
    t.equal((await visit(port, "/auth/callback?code=a&state=s1")).body, SUCCESS.html);
  });

  t.test("whose browser reloads is shown how it ended", async (t) => {
    const { pending, port } = await expectOne(t);
    const target = "/auth/callback?code=a&state=s1";
    const gone = await open(t, port, `GET ${target} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    await pending.response;
    gone.destroy();
    let answer = visit(port, target);
    // Until the listener has noticed, the first browser is still the one that waits.
    while ((await Promise.race([answer, nextTurn("held")])) !== "held" && (await answer).status === 409) {
      answer = visit(port, target);
      await nextTurn();
    }
    pending.answer(SUCCESS);
    t.equal((await answer).body, SUCCESS.html);
  });

  t.test("is kept waiting for a minute, and then told to look elsewhere", async (t) => {
    const clock = createManualClock();
    const pending = await start(t, clock).expect("s1", ANY_PORT);
    const answer = visit(portOf(pending), "/auth/callback?code=a&state=s1");
    await pending.response;
    await clock.advance(59_999);
    t.equal(await Promise.race([answer, nextTurn("held")]), "held");
    await clock.advance(1);
    t.equal((await answer).status, 504);
    t.equal((await answer).body, unfinishedPage().html);
    t.doesNotThrow(() => pending.answer(SUCCESS));
  });

  t.test("that nobody answers is told of the cancellation when the login closes", async (t) => {
    const { pending, port } = await expectOne(t);
    const answer = visit(port, "/auth/callback?code=a&state=s1");
    await pending.response;
    pending.close();
    t.equal((await answer).body, cancelledPage().html);
  });
});

t.test(
  "/cancel as a starting Codex sends it cancels everybody who waits, and hands the port over",
  async (t) => {
    const redirects = start(t);
    const first = await redirects.expect("s1", ANY_PORT);
    const port = portOf(first);
    const second = await redirects.expect("s2", ANY_PORT);
    const socket = await open(t, port, cancelOfCodex(port));
    t.match(await text(socket), /^HTTP\/1\.1 200 OK\r\n[\s\S]*Login cancelled$/);
    for (const pending of [first, second]) {
      t.strictSame(await pending.response, { kind: "cancelled" });
      pending.close();
    }
    t.ok(await isFree(port));
  },
);

t.test("/cancel does not undo a response that has come", async (t) => {
  const { pending, port } = await expectOne(t);
  const answer = visit(port, "/auth/callback?code=a&state=s1");
  await pending.response;
  t.equal((await visit(port, "/cancel")).status, 200);
  t.equal((await pending.response).kind, "code");
  pending.answer(SUCCESS);
  t.equal((await answer).status, 200);
});

t.test("the port", async (t) => {
  t.test("that is busy is passed over", async (t) => {
    const busy = await holdPort(t);
    const pending = await start(t).expect("s1", { ports: [busy, 0], redirectHost: "127.0.0.1" });
    t.match(pending.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/auth\/callback$/);
    t.not(portOf(pending), busy);
  });

  t.test("that cannot be had is an error which names them all, and says what to do", async (t) => {
    const [one, other] = [await holdPort(t), await holdPort(t)];
    const error: unknown = await start(t)
      .expect("s1", { ports: [one, other], redirectHost: "localhost" })
      .catch((reason) => reason);
    if (!(error instanceof AuthError)) throw error;
    t.equal(error.code, "ERR_CALLBACK_PORT_IN_USE");
    const held = `(in use by node, process ${process.pid})`;
    t.match(error.message, `${one} ${held}, ${other} ${held}`);
    t.match(error.message, "--callback-port");
    t.match(error.message, "codex-auth login --device");
  });

  t.test("is shared by all logins, told apart by state", async (t) => {
    const redirects = start(t);
    const pendings = await Promise.all(["s1", "s2", "s3"].map((state) => redirects.expect(state, ANY_PORT)));
    t.equal(new Set(pendings.map(portOf)).size, 1);
    for (const [index, pending] of [...pendings.entries()].reverse()) {
      const answer = visit(portOf(pending), `/auth/callback?code=code${index}&state=s${index + 1}`);
      const response = await pending.response;
      t.equal(response.kind === "code" && response.code.reveal(), `code${index}`);
      pending.answer(SUCCESS);
      await answer;
    }
  });

  t.test("is another one when another one is asked for", async (t) => {
    const redirects = start(t);
    const first = await redirects.expect("s1", ANY_PORT);
    const held = createServer();
    await listen(held, 0);
    const other = (held.address() as AddressInfo).port;
    held.close();
    const second = await redirects.expect("s2", { ports: [other], redirectHost: "localhost" });
    t.equal(portOf(second), other);
    t.equal(
      (await visit(other, "/auth/callback?code=a&state=s1")).status,
      400,
      "and knows its own logins only",
    );
    t.not(portOf(first), other);
  });

  t.test("is given back at once when nobody is expected any more, and can be taken again", async (t) => {
    const { redirects, pending, port } = await expectOne(t);
    const second = await redirects.expect("s2", ANY_PORT);
    pending.close();
    t.notOk(await isFree(port));
    second.close();
    const third = await redirects.expect("s3", { ports: [port], redirectHost: "localhost" });
    t.equal(portOf(third), port);
    third.close();
    t.ok(await isFree(port));
  });

  t.test("is given back only after the answer is out", async (t) => {
    const { pending, port } = await expectOne(t);
    const answer = visit(port, "/auth/callback?code=a&state=s1");
    await pending.response;
    pending.answer(SUCCESS);
    pending.close();
    t.equal((await answer).body, SUCCESS.html);
    t.ok(await isFree(port));
  });

  t.test("is on 127.0.0.1 only", async (t) => {
    const { port } = await expectOne(t);
    // What a listener on all addresses would answer under; macOS has no second address of IPv4 loopback.
    const others = process.platform === "linux" ? ["::1", "127.0.0.2"] : ["::1"];
    for (const address of others) {
      const [error] = await once(connect(port, address), "error");
      t.match(error.code, /^(ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT)$/, address);
    }
  });
});

t.test("closing everything", async (t) => {
  const redirects = createLoopbackRedirects({ clock: systemClock, findHolder });
  const waiting = await redirects.expect("s1", ANY_PORT);
  const received = await redirects.expect("s2", ANY_PORT);
  const port = portOf(waiting);
  const answer = visit(port, "/auth/callback?code=a&state=s2");
  await received.response;
  await open(t, port);
  await open(t, port, "GET /auth/callback HTTP/1.1\r\nHo");
  await redirects.close();
  t.strictSame(await waiting.response, { kind: "cancelled" });
  t.equal((await answer).body, cancelledPage().html);
  t.ok(await isFree(port));
  await t.rejects(redirects.expect("s3", ANY_PORT), { name: "AuthError", message: /The daemon is stopping/ });
});

t.test("bounds", async (t) => {
  t.test("a head with many cookies passes, and one without end does not", async (t) => {
    const { pending, port } = await expectOne(t);
    const cookies = (length: number) => ({ headers: { cookie: "c".repeat(length) } });
    t.equal((await visit(port, "/", cookies(60_000))).status, 404);
    t.equal((await visit(port, "/", cookies(70_000))).status, 431);
    pending.close();
  });

  t.test("a head that does not end is answered with 408 after ten seconds, and ends nothing", async (t) => {
    const { pending, port } = await expectOne(t);
    t.match(
      await text(await open(t, port, `GET / HTTP/1.1\r\nHost: localhost:${port}\r\n`)),
      /^HTTP\/1\.1 408 /,
    );
    const answer = visit(port, "/auth/callback?code=a&state=s1");
    t.match(await pending.response, { kind: "code" });
    pending.answer(SUCCESS);
    await answer;
  });

  t.test("the 33rd connection is closed unread", async (t) => {
    const { port } = await expectOne(t);
    for (let count = 0; count < 32; count += 1) await open(t, port);
    const surplus = await open(t, port, `GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    t.equal(await text(surplus).catch(() => ""), "");
  });
});
