/** No daemon, a foreign one, or one that cannot start: what a person is told then. */

import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { createPlace, type Place, type PlaceOptions } from "../helpers/daemon-place.js";
import { writeLogin } from "../helpers/logins.js";

const COMMANDS = ["status", "token", "list", "refresh", "logout"];

async function setUp(t: Test, options: Omit<PlaceOptions, "issuer"> = {}): Promise<Place> {
  const issuer = await startAuthorizationServer(t);
  const place = createPlace(t, { issuer, ...options });
  writeLogin(place.codexHome, issuer);
  return place;
}

/** Something on the socket that answers everything with this protocol version. */
async function occupy(t: Test, socket: string, protocol: string | undefined): Promise<void> {
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  const server = createServer((request, response) => {
    request.resume();
    if (protocol !== undefined) response.setHeader("codex-authd-protocol", protocol);
    response.end('{"jsonrpc":"2.0","result":{},"id":1}');
  });
  await once(server.listen(socket), "listening");
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
}

t.test("without a daemon, and told to start none, every command says how to start one", async (t) => {
  const place = await setUp(t);
  for (const command of [...COMMANDS, "login"]) {
    const { code, stdout, stderr } = await place.cli([command, "--no-autostart"]);
    t.strictSame({ code, stdout }, { code: 4, stdout: "" }, command);
    t.match(stderr, /No daemon listens on .*codex-auth daemon start.*\(ERR_DAEMON_NOT_RUNNING\)/, command);
  }
  t.equal((await place.cli(["daemon", "status"])).code, 4);
  t.strictSame(await place.cli(["daemon", "stop"]), {
    code: 0,
    stdout: "No daemon is running.\n",
    stderr: "",
  });
});

for (const [protocol, words] of [
  ["2", /speaks protocol 2 and this client protocol 1\. Upgrade this client/],
  ["0", /speaks protocol 0 and this client protocol 1\. Upgrade the daemon/],
  [undefined, /does not say which protocol it speaks/],
] as const) {
  t.test(`a daemon of protocol ${protocol ?? "unknown"} is not misunderstood`, async (t) => {
    const place = await setUp(t);
    await occupy(t, place.socket, protocol);
    for (const command of COMMANDS) {
      const { code, stdout, stderr } = await place.cli([command]);
      t.strictSame({ code, stdout }, { code: 4, stdout: "" }, command);
      t.match(stderr, /ERR_DAEMON_VERSION/, command);
      t.match(stderr, words, command);
    }
  });
}

const CONFIGURATIONS: readonly [string, NonNullable<PlaceOptions["config"]>, RegExp][] = [
  [
    "an unknown key",
    { isuer: "https://example.com" },
    /config\.toml: isuer: there is no such key\. Did you mean "issuer"\?/,
  ],
  ["a port out of range", { callback_port: 70_000 }, /callback_port: must be 0 to 65535, not 70000/],
  [
    "an issuer without TLS",
    { issuer: "http://example.com" },
    /issuer: must be https:\/\/, or http:\/\/ on loopback/,
  ],
  ["a relative socket", { socket: "run/d.sock" }, /socket: must be an absolute path/],
];

for (const [what, config, words] of CONFIGURATIONS) {
  t.test(
    `${what} in the configuration is named by the daemon, and by the caller who started it`,
    async (t) => {
      const place = await setUp(t, { config });
      const { code, stderr } = await place.startProgram().ended;
      t.equal(code, 2);
      t.match(stderr, words);
      const run = await place.cli(["status"]);
      t.equal(run.code, 4);
      t.match(run.stderr, /The daemon ended at once \(exit code 2\)[\s\S]*ERR_DAEMON_NOT_RUNNING/);
      t.match(run.stderr, words);
    },
  );
}

t.test("a line that is no TOML is named by its place", async (t) => {
  const place = await setUp(t);
  writeFileSync(join(place.home, "config.toml"), 'issuer = "http://127.0.0.1:9"\ncallback_port =\n');
  const { code, stderr } = await place.startProgram().ended;
  t.equal(code, 2);
  t.match(stderr, /config\.toml:2:\d+: .*Correct this line/);
});

t.test("a configuration that was asked for and is not there is no default", async (t) => {
  const place = await setUp(t, { env: { CODEX_AUTHD_CONFIG: "/nonexistent/config.toml" } });
  const { code, stderr } = await place.startProgram().ended;
  t.equal(code, 2);
  t.match(stderr, /no configuration file at \/nonexistent\/config\.toml/);
});

t.test("a socket path that is too long is refused, never cut", async (t) => {
  const long = `/tmp/${"long/".repeat(20)}d.sock`;
  const place = await setUp(t);
  const { code, stderr } = await place.startProgram(["--socket", long]).ended;
  t.equal(code, 2);
  t.match(stderr, /is 111 bytes long, and a Unix-domain socket takes at most 103/);
  for (const run of [
    await place.cli(["token"], { env: { CODEX_AUTHD_SOCKET: long } }),
    await place.cli(["token", "--socket", long]),
    await place.cli(["status"], { env: { CODEX_AUTHD_SOCKET: long } }),
    await place.cli(["status", "--socket", long]),
  ]) {
    t.equal(run.code, 1);
    t.match(run.stderr, /at most 103[\s\S]*ERR_CONFIG_INVALID/);
  }
});

t.test("a socket folder that others may enter is refused", async (t) => {
  const place = await setUp(t);
  mkdirSync(dirname(place.socket), { mode: 0o755 });
  const { code, stderr } = await place.startProgram().ended;
  t.equal(code, 2);
  t.match(stderr, /is open to others \(mode 0755\)\. Run `chmod 700`/);
});

t.test("a file in the place of the socket is left alone", async (t) => {
  const place = await setUp(t);
  mkdirSync(dirname(place.socket), { mode: 0o700 });
  writeFileSync(place.socket, "precious");
  const { code, stderr } = await place.startProgram().ended;
  t.equal(code, 2);
  t.match(stderr, /is not a socket, so it is left alone/);
  const run = await place.cli(["status"]);
  t.equal(run.code, 4);
  t.match(run.stderr, /is not a socket, so it is left alone/);
});
