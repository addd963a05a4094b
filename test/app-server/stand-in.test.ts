/** What stands between a host and its app-server, where it must not be noticed. */
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { AuthError } from "@codex-authd/shared";
import t, { type Test } from "tap";
import type { AuthFailure } from "#client/app-server/auth-failure.js";
import { StandIn } from "#client/app-server/stand-in.js";
import { createAuthClient } from "#client/index.js";
import { createLoggedInDaemon, TOKEN } from "../helpers/fake-daemon.js";
import { until } from "../helpers/until.js";

const daemon = await createLoggedInDaemon();
t.teardown(() => daemon.close());

const INITIALIZE =
  '{"method":"initialize","id":1,"params":{"clientInfo":{"name":"x"},"capabilities":null}}\n';

function setUp(t: Test) {
  const auth = createAuthClient({ env: daemon.env, cwd: daemon.folder });
  t.teardown(() => auth.close());
  const host = { input: new PassThrough(), output: new PassThrough() };
  const server = { input: new PassThrough(), output: new PassThrough() };
  const failures: AuthFailure[] = [];
  const selector = { codexHome: daemon.folder };
  const onFailure = (failure: AuthFailure): void => void failures.push(failure);
  const run = new StandIn({ host, server, auth, selector, onFailure }).run();
  const seen = { server: "", host: "" };
  server.input.on("data", (bytes: Buffer) => {
    seen.server += bytes;
  });
  host.output.on("data", (bytes: Buffer) => {
    seen.host += bytes;
  });
  return { host, server, failures, run, seen };
}

t.test("what is no message of JSON-RPC goes through, to the last byte without a line end", async (t) => {
  const { host, server, run } = setUp(t);
  const noise = Buffer.concat([
    Buffer.from('\r\n[1]\nnull\n{"a":1}\r\n{broken\n'),
    Buffer.from([0xff, 0x0a, 0xfe]),
  ]);
  const [atServer, atHost] = [server.input, host.output].map((end) => end.toArray());
  host.input.end(noise);
  server.output.end(noise);
  await run;
  host.output.end();
  t.same(Buffer.concat((await atServer) ?? []), noise);
  t.same(Buffer.concat((await atHost) ?? []), noise);
});

t.test("the host is held from initialize until the tokens are there", async (t) => {
  const { host, server, seen, run } = setUp(t);
  host.input.write(`${INITIALIZE}{"method":"account/read","id":2,"params":{}}\n`);
  await until("the app-server is initialized", () => seen.server.includes("initialize"));
  t.match(JSON.parse(seen.server), { params: { capabilities: { experimentalApi: true } } });
  server.output.write('{"id":1,"result":{}}\n');
  await until("it gets tokens", () => seen.server.includes(TOKEN.accessToken));
  t.notMatch(seen.server, "account/read");
  const { id } = JSON.parse(seen.server.split("\n")[1] ?? "");
  server.output.write(`${JSON.stringify({ id, result: { type: "chatgptAuthTokens" } })}\n`);
  await until("the host goes on", () => seen.server.includes("account/read"));
  t.equal(seen.host, '{"id":1,"result":{}}\n');
  server.output.end();
  await run;
});

t.test("an initialize that fails is the host's business, and gets no tokens", async (t) => {
  const { host, server, seen, failures, run } = setUp(t);
  host.input.write(`${INITIALIZE}next\n`);
  await until("the app-server is asked", () => seen.server.includes("initialize"));
  server.output.write('{"id":1,"error":{"code":-32600,"message":"no"}}\n');
  await until("the host goes on", () => seen.server.endsWith("next\n"));
  t.equal(seen.host, '{"id":1,"error":{"code":-32600,"message":"no"}}\n');
  t.notMatch(seen.server, TOKEN.accessToken);
  t.same(failures, []);
  server.output.end();
  await run;
});

t.test("a host whose login is gone goes on, and is told why", async (t) => {
  const { host, server, seen, failures, run } = setUp(t);
  daemon.handlers["token/get"] = () => {
    throw new AuthError("ERR_LOGIN_REQUIRED", "There is none.");
  };
  host.input.write(`${INITIALIZE}next\n`);
  await until("the app-server is asked", () => seen.server.includes("initialize"));
  server.output.write('{"id":1,"result":{}}\n');
  await until("the host goes on", () => seen.server.endsWith("next\n"));
  t.match(failures, [{ code: "ERR_LOGIN_REQUIRED", message: "There is none." }]);
  server.output.end();
  await run;
});

t.test("the end of either side is the end of it", async (t) => {
  const { host, server, run } = setUp(t);
  const atServer = text(server.input);
  host.input.end();
  t.equal(await atServer, "", "the app-server's input has ended");
  server.output.end();
  await run;
  const other = setUp(t);
  other.server.output.end();
  await other.run;
  t.equal(other.host.input.destroyed, true, "the host's input keeps nobody alive");
});
