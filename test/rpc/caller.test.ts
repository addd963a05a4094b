import { once } from "node:events";
import { text } from "node:stream/consumers";
import t from "tap";
import { NOBODY, startRpc } from "../helpers/rpc-harness.js";

const OWN_UID = process.geteuid?.() ?? 0;
const PEER = { uid: OWN_UID, pid: 42, startTicks: 7, executable: "/usr/bin/curl" };
const STRANGER = 4_000_000;

const token = { accessToken: "the-token", expiresAtMs: null, accountId: null, planType: null, generation: 1 };
const handlers = { "token/get": async () => token };

t.test("a caller of another uid is refused on every route, and leaves a trace", async (t) => {
  const { send, audited } = await startRpc(t, { handlers, readPeer: () => ({ ...PEER, uid: STRANGER }) });
  for (const path of ["/v1/token", "/v1/events", "/metrics", "/healthz"]) {
    t.match(await send({ path }), {
      status: 403,
      headers: { "codex-authd-error": "ERR_CALLER_REFUSED" },
      body: new RegExp(`serves uid ${OWN_UID}, and you are uid ${STRANGER}`),
    });
  }
  const headers = { "content-type": "application/json" };
  const body = '{"jsonrpc":"2.0","id":1,"method":"token/get"}';
  t.match(await send({ method: "POST", path: "/v1/rpc", headers, body }), { status: 403 });
  t.equal(audited.length, 5);
  t.match(audited[0], {
    caller: { ...PEER, uid: STRANGER },
    action: "connect",
    decision: "refused",
    code: "ERR_CALLER_REFUSED",
  });
});

t.test("the owner and root are served", async (t) => {
  for (const uid of [OWN_UID, 0]) {
    const { send } = await startRpc(t, { handlers, readPeer: () => ({ ...PEER, uid }) });
    t.match(await send({ path: "/v1/token" }), { status: 200, body: "the-token\n" });
  }
});

t.test("a caller of whom the kernel says nothing is refused", async (t) => {
  const { send } = await startRpc(t, {
    handlers,
    readPeer() {
      throw new Error("ENOTCONN");
    },
  });
  t.match(await send({ path: "/v1/token" }), { status: 403, body: /uid unknown/ });
});

t.test("where the kernel cannot be asked, callers are served and unknown", async (t) => {
  const { send, audited } = await startRpc(t, { handlers });
  t.match(await send({ path: "/v1/token" }), { status: 200 });
  t.match(audited, [{ caller: NOBODY, action: "token/get", decision: "allowed" }]);
});

t.test("the kernel is asked once for a connection", async (t) => {
  let asked = 0;
  const readPeer = () => {
    asked++;
    return PEER;
  };
  const { connect, audited } = await startRpc(t, { handlers, readPeer });
  const socket = await connect();
  const request = "GET /v1/token HTTP/1.1\r\nhost: localhost\r\n";
  socket.write(`${request}\r\n${request}connection: close\r\n\r\n`);
  const answers = await text(socket);
  t.equal(answers.match(/the-token/g)?.length, 2);
  t.equal(audited.length, 2);
  t.equal(asked, 1);
  if (!socket.closed) await once(socket, "close");
});

t.test("a caller may say its name, printable and bounded; any other is none", async (t) => {
  const { send, audited } = await startRpc(t, { handlers, readPeer: () => PEER });
  const names = {
    "codex-auth status": "codex-auth status",
    ["x".repeat(65)]: null,
    "caf\u00e9": null,
    "": null,
  };
  for (const name of Object.keys(names)) {
    await send({ path: "/v1/token", headers: { "codex-authd-client": name } });
  }
  t.same(
    audited.map(({ caller }) => caller?.client),
    Object.values(names),
  );
});

t.test("who is refused for its headers leaves a trace too", async (t) => {
  const { send, audited } = await startRpc(t, { handlers, readPeer: () => PEER });
  await send({ path: "/v1/token", headers: { origin: "https://example.com" } });
  t.match(audited, [{ caller: PEER, action: "connect", decision: "refused", code: "ERR_CALLER_REFUSED" }]);
});
