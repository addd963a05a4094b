import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { connect, createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { type Clock, systemClock } from "@codex-authd/shared";
import t from "tap";
import { claimSocket, type SocketClaim } from "#daemon/lifecycle/claim.js";
import { type Listener, listenOnSocket } from "#daemon/lifecycle/listen.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { deferred, recordingLog } from "../helpers/rpc-harness.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

interface Listening {
  readonly path: string;
  readonly claim: SocketClaim;
  readonly listener: Listener;
}

async function claimIn(t: { teardown(fn: () => void): void }): Promise<SocketClaim> {
  const result = await claimSocket(join(temporaryFolder(t), "codex-authd.sock"), systemClock);
  if (result.state !== "claimed") throw new Error("not claimed");
  t.teardown(result.claim.release);
  return result.claim;
}

async function listen(
  t: { teardown(fn: () => unknown): void },
  {
    server = createServer((_, response) => response.end("ok")),
    clock = systemClock as Clock,
    onLost = () => {},
  } = {},
): Promise<Listening> {
  const claim = await claimIn(t);
  const listener = await listenOnSocket(server, { claim, clock, log: recordingLog().log, onLost });
  t.teardown(() => {
    server.closeAllConnections();
    return listener.close();
  });
  return { path: claim.path, claim, listener };
}

/** A file beside the socket; what it is does not matter. */
function createOtherFile(path: string): string {
  writeFileSync(`${path}.other`, "");
  return `${path}.other`;
}

/** A server whose one call is answered when the test says so. */
function slowServer(): { server: Server; called: Promise<void>; answer: () => void } {
  const called = deferred();
  const gate = deferred();
  const server = createServer(async (_request, response) => {
    called.resolve();
    await gate.promise;
    response.setHeader("connection", "close").end("done");
  });
  return { server, called: called.promise, answer: () => gate.resolve() };
}

t.test("a path that the system will not bind is said", async (t) => {
  const claim = await claimIn(t);
  mkdirSync(claim.path);
  const refused = listenOnSocket(createServer(), { claim, clock: systemClock, log: recordingLog().log });
  await t.rejects(refused, { code: "ERR_STORAGE_UNAVAILABLE", message: /cannot be bound \(EADDRINUSE\)/ });
});

t.test("the socket is ours alone from birth, under any umask", async (t) => {
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  const claim = await claimIn(t);
  const server = createServer();
  const listening = listenOnSocket(server, { claim, clock: systemClock, log: recordingLog().log });
  t.equal((lstatSync(claim.path).mode & 0o777).toString(8), "600", "before anybody could connect");
  t.equal(process.umask(), 0, "and the umask is what it was");
  await (await listening).close();
});

t.test("close() removes the socket at once and keeps the claim", async (t) => {
  const { path, listener } = await listen(t);
  const closed = listener.close();
  t.notOk(existsSync(path));
  await closed;
  t.equal(listener.close(), closed, "and may be called twice");
  const clock = createManualClock();
  let second: unknown;
  claimSocket(path, clock).then((result) => {
    second = result;
  });
  while (second === undefined) await clock.advance(1_000);
  t.match(second, { state: "alreadyRunning" });
});

t.test("a call in flight is answered before close() is done", async (t) => {
  const { server, called, answer } = slowServer();
  const { path, listener } = await listen(t, { server });
  const call = request({ socketPath: path, agent: false }).end();
  await called;
  const closed = listener.close();
  answer();
  const [response] = await once(call, "response");
  response.resume();
  await closed;
  t.equal(response.statusCode, 200);
});

t.test("a call that never ends is cut off at the deadline", async (t) => {
  const clock = createManualClock();
  const { server, called } = slowServer();
  const { path, listener } = await listen(t, { server, clock });
  const call = request({ socketPath: path, agent: false }).end();
  const failed = once(call, "error");
  await called;
  const closed = listener.close();
  await clock.advance(5_000);
  await closed;
  t.match(await failed, [{ code: "ECONNRESET" }]);
});

t.test("who is connected and silent does not hold it up beyond the deadline", async (t) => {
  const clock = createManualClock();
  const { path, listener } = await listen(t, { clock });
  const silent = connect(path);
  await once(silent, "connect");
  const gone = once(silent.resume(), "close");
  const closed = listener.close();
  await clock.advance(5_000);
  await closed;
  await gone;
});

t.test("a socket that somebody else bound meanwhile is left to him", async (t) => {
  const { path, listener } = await listen(t);
  rmSync(path);
  const other = createNetServer((socket) => socket.end("other")).listen(path);
  await once(other, "listening");
  t.teardown(() => other.close());
  await listener.close();
  const [words] = await once(connect(path), "data");
  t.equal(String(words), "other");
});

t.test("a socket that somebody removed meanwhile is no obstacle", async (t) => {
  const { path, listener } = await listen(t);
  rmSync(path);
  await t.resolves(listener.close());
});

t.test("who has connected before the end is served, though nobody had accepted him yet", async (t) => {
  const server = createServer((_, response) => response.setHeader("connection", "close").end("served"));
  const { path, listener } = await listen(t, { server });
  const call = request({ socketPath: path, agent: false }).end();
  await once(call, "socket");
  const closed = listener.close();
  const [response] = await once(call, "response");
  t.equal(response.statusCode, 200);
  response.resume();
  await closed;
});

for (const [word, change] of [
  ["removed", (path: string) => rmSync(path)],
  ["replaced", (path: string) => renameSync(createOtherFile(path), path)],
] as const) {
  t.test(`a socket that somebody ${word} is noticed within a second, once`, async (t) => {
    const clock = createManualClock();
    let losses = 0;
    const { path } = await listen(t, { clock, onLost: () => void losses++ });
    await clock.advance(1_000);
    t.equal(losses, 0);
    change(path);
    await clock.advance(1_000);
    t.equal(losses, 1);
    await clock.advance(10_000);
    t.equal(losses, 1);
  });
}
