import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { isNobodyListening, Transport, type TransportRequest } from "#client/transport.js";
import { createFakeDaemon, type FakeDaemon } from "../helpers/fake-daemon.js";
import { createManualClock } from "../helpers/manual-clock.js";

const STATUS: TransportRequest = {
  method: "POST",
  path: "/v1/rpc",
  body: '{"jsonrpc":"2.0","id":1,"method":"daemon/status","params":{}}',
  deadlineMs: 5_000,
  isRepeatable: true,
  outlastsRestart: false,
};

async function setUp(t: Test): Promise<{ daemon: FakeDaemon; transport: Transport }> {
  const daemon = await createFakeDaemon({ "daemon/status": () => ({ version: "1" }) });
  const transport = new Transport({ clientName: "test", sockets: [daemon.socketPath], clock: systemClock });
  t.teardown(async () => {
    transport.close();
    await daemon.close();
  });
  return { daemon, transport };
}

t.test("nobody there is ERR_DAEMON_NOT_RUNNING, and known as nobody", async (t) => {
  const { daemon } = await setUp(t);
  const sockets = [join(daemon.folder, "a.sock"), join(daemon.folder, "b.sock")];
  const transport = new Transport({ clientName: "test", sockets, clock: systemClock });
  const error = await transport.send(STATUS).catch((reason: unknown) => reason);
  t.match(error, { code: "ERR_DAEMON_NOT_RUNNING", message: /a\.sock or .*b\.sock/ });
  t.ok(isNobodyListening(error));
});

t.test("a daemon that does not answer is ERR_DAEMON_TIMEOUT, and not taken for dead", async (t) => {
  const { daemon } = await setUp(t);
  const clock = createManualClock();
  const transport = new Transport({ clientName: "test", sockets: [daemon.socketPath], clock });
  const arrived = new Promise((resolve) => {
    daemon.intercept = () => {
      resolve(undefined);
      return true;
    };
  });
  const answer = transport.send(STATUS).catch((reason: unknown) => reason);
  await arrived;
  await clock.advance(4_999);
  await clock.advance(1);
  const error = await answer;
  t.match(error, { code: "ERR_DAEMON_TIMEOUT", message: /within 5 s/ });
  t.notOk(isNobodyListening(error));
});

t.test("another protocol is ERR_DAEMON_VERSION, and names the side to upgrade", async (t) => {
  const { daemon, transport } = await setUp(t);
  for (const [protocol, words] of [
    ["0", /Upgrade the daemon/],
    ["2", /Upgrade this client/],
    ["x", /no codex-authd that this client knows/],
    [undefined, /no codex-authd that this client knows/],
  ] as const) {
    daemon.protocol = protocol;
    await t.rejects(transport.send(STATUS), { code: "ERR_DAEMON_VERSION", message: words }, `${protocol}`);
  }
});

t.test("an answer that does not end is cut off at 8 MiB", async (t) => {
  const { daemon, transport } = await setUp(t);
  daemon.intercept = (_request, response) => {
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const pour = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", pour);
    pour();
    return true;
  };
  await t.rejects(transport.send(STATUS), { code: "ERR_DAEMON_VERSION", message: /longer than/ });
});

t.test("a signal ends the wait with its own reason", async (t) => {
  const { daemon, transport } = await setUp(t);
  const abort = new AbortController();
  daemon.intercept = () => {
    abort.abort(new Error("enough"));
    return true;
  };
  await t.rejects(transport.send({ ...STATUS, signal: abort.signal }), { message: "enough" });
  await t.rejects(transport.send({ ...STATUS, signal: AbortSignal.abort(new Error("before")) }), {
    message: "before",
  });
});

t.test("states its protocol and the Host, and nothing that a browser would", async (t) => {
  const { daemon, transport } = await setUp(t);
  await transport.send(STATUS);
  t.match(daemon.calls[0]?.request.headers, {
    host: "localhost",
    "codex-authd-protocol": "1",
    "codex-authd-client": "test",
    "content-type": "application/json",
    origin: undefined,
    referer: undefined,
  });
});

t.test("the second candidate is tried when nobody listens on the first", async (t) => {
  const { daemon } = await setUp(t);
  const sockets = [join(daemon.folder, "none.sock"), daemon.socketPath];
  const transport = new Transport({ clientName: "test", sockets, clock: systemClock });
  t.teardown(() => transport.close());
  t.equal((await transport.send(STATUS)).status, 200);
});

t.test("one connection serves calls that follow each other", async (t) => {
  const { daemon, transport } = await setUp(t);
  for (let call = 0; call < 5; call++) {
    await transport.send(STATUS);
    await turn();
  }
  t.equal(daemon.connectionCount(), 1);
});

t.test("a repeatable call whose connection is dropped is dialled again, once", async (t) => {
  const { daemon, transport } = await setUp(t);
  let drops = 1;
  daemon.intercept = (request) => {
    if (drops-- <= 0) return false;
    request.socket.destroy();
    return true;
  };
  t.equal((await transport.send(STATUS)).status, 200);
  drops = 2;
  const error = await transport.send(STATUS).catch((reason: unknown) => reason);
  t.match(error, { code: "ERR_DAEMON_NOT_RUNNING", message: /closed the connection/ });
  t.notOk(isNobodyListening(error), "somebody was there: no cause to start another");
});

t.test("a call that must not be repeated is not, and has a connection of its own", async (t) => {
  const { daemon, transport } = await setUp(t);
  const once = { ...STATUS, isRepeatable: false };
  await transport.send(once);
  await transport.send(once);
  t.equal(daemon.connectionCount(), 2);
  let dropped = 0;
  daemon.intercept = (request) => {
    dropped++;
    request.socket.destroy();
    return true;
  };
  await t.rejects(transport.send(once), { code: "ERR_DAEMON_NOT_RUNNING" });
  t.equal(dropped, 1);
});

t.test("who outlasts a restart dials until somebody listens, or nobody comes", async (t) => {
  const { daemon } = await setUp(t);
  const socketPath = join(daemon.folder, "later.sock");
  const waits: number[] = [];
  const sockets = [socketPath];
  const transport = new Transport({
    clientName: "test",
    sockets,
    clock: systemClock,
    async isComing(waitedMs) {
      waits.push(waitedMs);
      if (waits.length === 3) symlinkSync(daemon.socketPath, socketPath);
      return true;
    },
  });
  t.teardown(() => transport.close());
  const patient = { ...STATUS, outlastsRestart: true };
  t.equal((await transport.send({ ...patient, isRepeatable: false })).status, 200, "nothing was sent before");
  t.equal(waits.length, 3);
  rmSync(socketPath);
  await t.rejects(transport.send(STATUS), { code: "ERR_DAEMON_NOT_RUNNING" }, "others do not wait");
  const alone = new Transport({
    clientName: "test",
    sockets,
    clock: systemClock,
    isComing: async () => false,
  });
  await t.rejects(alone.send(patient), { code: "ERR_DAEMON_NOT_RUNNING" });
});
