import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { SessionStatus } from "@codex-authd/shared";
import { EVENTS } from "@codex-authd/shared/schema";
import t from "tap";
import type { DaemonEvent } from "#daemon/rpc/handlers.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { type RpcHarness, startRpc } from "../helpers/rpc-harness.js";

interface Frame {
  readonly id: string;
  readonly event: string;
  readonly data: { [key: string]: unknown };
}

const A = { accountId: "a", email: "a@example.com" };
const B = { accountId: "b", email: "b@example.com" };

/** Over what a Unix-domain socket and both ends buffer, so that a reader who does not read is seen as such. */
const BLOCKING_BYTES = 4_000_000;

const status = (codexHome: string, more: Partial<SessionStatus> = {}): SessionStatus => ({
  codexHome,
  storage: "file",
  sessionName: null,
  state: "active",
  reason: null,
  generation: 1,
  authMode: "chatgpt",
  accountId: null,
  email: null,
  planType: null,
  issuer: null,
  network: {
    caCertificateFile: null,
    caCertificateSource: null,
    proxy: null,
    proxySource: null,
    noProxy: null,
  },
  flow: null,
  expiresAtMs: null,
  lastRefreshAtMs: null,
  nextRefreshAtMs: null,
  refreshInFlight: false,
  storageState: "stored",
  lastError: null,
  warnings: [],
  ...more,
});

function changed(
  codexHome: string,
  generation: number,
  previousAccount: typeof A | null = null,
): DaemonEvent {
  const session = status(codexHome, { generation });
  return { name: "session/changed", generation, data: { cause: "refresh", session, previousAccount } };
}

function flood(): DaemonEvent {
  const session = status("/flood", { warnings: ["x".repeat(BLOCKING_BYTES)] });
  return {
    name: "session/changed",
    generation: 8,
    data: { cause: "storage", session, previousAccount: null },
  };
}

const failedLogin = (loginId: string): DaemonEvent => ({
  name: "login/changed",
  generation: 10,
  data: {
    loginId,
    codexHome: "/a",
    flow: "browser",
    state: "failed",
    code: "ERR_LOGIN_EXPIRED",
    message: "Nobody finished the login in time.",
  },
});

/** Opens a stream. Nothing is read until `frames()` is called. */
async function open({ socketPath }: RpcHarness): Promise<{
  response: IncomingMessage;
  call: ClientRequest;
  frames(count: number): Promise<Frame[]>;
  comments(count: number): Promise<void>;
}> {
  const call = request({ socketPath, path: "/v1/events", agent: false });
  call.on("error", () => {});
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  let received = "";
  const until = async (pattern: RegExp, count: number): Promise<string[]> => {
    if (blocks(received, pattern).length >= count) return blocks(received, pattern);
    for await (const chunk of response.iterator({ destroyOnReturn: false })) {
      received += chunk;
      if (blocks(received, pattern).length >= count) break;
    }
    return blocks(received, pattern);
  };
  return {
    response,
    call,
    frames: async (count) => (await until(/^id: /, count)).map(parseFrame),
    comments: async (count) => void (await until(/^:/, count)),
  };
}

function blocks(text: string, pattern: RegExp): string[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .filter((block) => pattern.test(block));
}

function parseFrame(block: string): Frame {
  const fields = Object.fromEntries(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
  return { id: fields.id ?? "", event: fields.event ?? "", data: JSON.parse(fields.data ?? "null") };
}

t.test("more readers than there may be are refused", async (t) => {
  const harness = await startRpc(t, { limits: { subscribersMax: 1 } });
  const first = await open(harness);
  t.match(await harness.send({ path: "/v1/events" }), {
    status: 503,
    headers: { "codex-authd-error": "ERR_CALLER_REFUSED", "codex-authd-protocol": "1" },
  });
  first.call.destroy();
  while (harness.events.listeners.size > 0) await new Promise(setImmediate);
  t.equal((await open(harness)).response.statusCode, 200, "a place that is given up is free");
});

t.test("a stream starts with a snapshot and goes on with every change", async (t) => {
  const harness = await startRpc(t);
  const stream = await open(harness);
  t.match(stream.response.headers, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "codex-authd-protocol": "1",
  });
  harness.events.publish(changed("/a", 8));
  harness.events.publish(changed("/a", 9));
  harness.events.publish(failedLogin("0f9a4f5e-2d44-4d0b-8b67-0b8d2f1b7f11"));
  const frames = await stream.frames(4);
  t.match(frames, [
    { id: "7", event: "snapshot", data: { generation: 7, sessions: [] } },
    { id: "8", event: "session/changed", data: { session: { codexHome: "/a" } } },
    { id: "9", event: "session/changed" },
    { id: "10", event: "login/changed", data: { code: "ERR_LOGIN_EXPIRED" } },
  ]);
  for (const { event, data } of frames) {
    t.ok(EVENTS[event as keyof typeof EVENTS].safeParse(data).success, `${event} is what the contract says`);
  }
});

t.test("no change falls between snapshot and subscription", async (t) => {
  const harness = await startRpc(t);
  const { events } = harness;
  const snapshot = events.snapshot.bind(events);
  events.snapshot = () => {
    queueMicrotask(() => events.publish(changed("/a", 8)));
    return snapshot();
  };
  const stream = await open(harness);
  t.match(await stream.frames(2), [{ event: "snapshot" }, { id: "8" }]);
});

t.test("a slow reader gets the newest state of each session, in the order of the last changes", async (t) => {
  const harness = await startRpc(t);
  const stream = await open(harness);
  harness.events.publish(flood());
  for (let generation = 9; generation < 1_000; generation++) {
    harness.events.publish(changed(generation % 2 ? "/odd" : "/even", generation));
  }
  const frames = await stream.frames(4);
  t.same(
    frames.map(({ id }) => id),
    ["7", "8", "998", "999"],
  );
});

t.test("a slow reader still learns that the account is another one", async (t) => {
  const harness = await startRpc(t);
  const stream = await open(harness);
  harness.events.publish(flood());
  harness.events.publish(changed("/a", 9, A));
  harness.events.publish(changed("/a", 10, B));
  harness.events.publish(changed("/a", 11));
  const [, , last] = await stream.frames(3);
  t.match(last, { id: "11", data: { previousAccount: A } }, "than the one that it knew");
});

t.test("a reader that falls behind in too many things is cut off", async (t) => {
  const harness = await startRpc(t, { limits: { subscriberQueueMax: 3 } });
  const stream = await open(harness);
  harness.events.publish(flood());
  for (let index = 0; index < 4; index++) harness.events.publish(changed(`/${index}`, 9 + index));
  while (harness.events.listeners.size > 0) await new Promise(setImmediate);
  stream.call.destroy();
  t.pass("and nobody publishes to it any more");
});

t.test("an idle stream beats", async (t) => {
  const clock = createManualClock();
  const harness = await startRpc(t, { clock, limits: { heartbeatMs: 1_000 } });
  const stream = await open(harness);
  await clock.advance(3_000);
  await stream.comments(3);
  t.equal(harness.events.listeners.size, 1);
});

t.test("a reader that takes nothing between two heartbeats is cut off", async (t) => {
  const clock = createManualClock();
  const harness = await startRpc(t, { clock, limits: { heartbeatMs: 1_000 } });
  const stream = await open(harness);
  harness.events.publish(flood());
  await clock.advance(1_000);
  t.equal(harness.events.listeners.size, 1, "one is forgiven");
  await clock.advance(1_000);
  while (harness.events.listeners.size > 0) await new Promise(setImmediate);
  stream.call.destroy();
});

t.test("close() ends every stream", async (t) => {
  const harness = await startRpc(t);
  const stream = await open(harness);
  await harness.rpc.close();
  t.match(await stream.frames(99), { length: 1 });
  t.ok(stream.response.complete, "in good order");
});
