import type { ServerResponse } from "node:http";
import t, { type Test } from "tap";
import { type AuthClient, type AuthEvent, createAuthClient } from "#client/index.js";
import { parseServerSentEvents } from "#client/server-sent-events.js";
import { createFakeDaemon, type FakeDaemon } from "../helpers/fake-daemon.js";

async function setUp(t: Test): Promise<{ daemon: FakeDaemon; client: AuthClient }> {
  const daemon = await createFakeDaemon();
  const client = createAuthClient({ env: daemon.env, autostart: false });
  t.teardown(async () => {
    await client.close();
    await daemon.close();
  });
  return { daemon, client };
}

function beginStream(response: ServerResponse, generation: number): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(frame("snapshot", { generation, sessions: [] }));
}

function frame(event: string, data: object): string {
  return `id: 1\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function take(events: AsyncIterable<AuthEvent>, count: number): Promise<AuthEvent[]> {
  const taken: AuthEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

t.test("a daemon of another protocol, or one that refuses, ends the iteration with its error", async (t) => {
  const { daemon, client } = await setUp(t);
  daemon.protocol = "2";
  await t.rejects(take(client.events(), 1), { code: "ERR_DAEMON_VERSION" });
  daemon.protocol = "1";
  daemon.intercept = (_request, response) => {
    response
      .writeHead(403, { "codex-authd-error": "ERR_CALLER_REFUSED" })
      .end("Refused: too many readers.\n");
    return true;
  };
  await t.rejects(take(client.events(), 1), { code: "ERR_CALLER_REFUSED" });
});

t.test("a stream begins with the snapshot, and names what it does not know not at all", async (t) => {
  const { daemon, client } = await setUp(t);
  daemon.intercept = (_request, response) => {
    beginStream(response, 3);
    response.write(": heartbeat\n\n");
    response.write(frame("session/invented", {}));
    response.write(frame("login/changed", { loginId: "x", state: "pending" }));
    return true;
  };
  t.match(await take(client.events(), 2), [
    { type: "snapshot", data: { generation: 3 } },
    { type: "login/changed", data: { loginId: "x" } },
  ]);
});

t.test("a stream that breaks is opened again, and begins with a snapshot again", async (t) => {
  const { daemon, client } = await setUp(t);
  let streams = 0;
  daemon.intercept = (_request, response) => {
    beginStream(response, ++streams);
    if (streams < 3) setImmediate(() => response.destroy());
    return true;
  };
  const events = await take(client.events(), 3);
  t.match(
    events.map((event) => event.data),
    [{ generation: 1 }, { generation: 2 }, { generation: 3 }],
  );
});

t.test("a signal, and closing the client, end the iteration quietly", async (t) => {
  const { daemon, client } = await setUp(t);
  daemon.intercept = (_request, response) => {
    beginStream(response, 1);
    return true;
  };
  const abort = new AbortController();
  for await (const _event of client.events({ signal: abort.signal })) abort.abort();
  for await (const _event of client.events()) await client.close();
});

t.test("events are read whatever the pieces they come in", async (t) => {
  const text = ': hi\n\nevent: a\ndata: {"x":"é"}\n\ndata: 1\r\ndata: 2\r\n\r\nid: 7\n\nevent: cut\ndata: 3';
  for (const size of [1, 2, 3, 7, 1_000]) {
    const events = [];
    for await (const event of parseServerSentEvents(pieces(text, size))) events.push(event);
    t.same(
      events,
      [
        { event: "a", data: '{"x":"é"}' },
        { event: "message", data: "1\n2" },
      ],
      `${size} bytes each`,
    );
  }
});

t.test("an event without an end is refused", async (t) => {
  const endless = pieces("x".repeat(9 * 1024 * 1024), 1024 * 1024);
  await t.rejects(take(parseServerSentEvents(endless) as AsyncIterable<never>, 1), { name: "RangeError" });
});
