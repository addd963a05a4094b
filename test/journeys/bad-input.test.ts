/** What callers and files may get wrong: each has its named error, its exit code, and a sentence that helps. */
import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveLogin } from "../helpers/browser-user.js";
import { startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { callError, post } from "../helpers/socket-call.js";
import { until } from "../helpers/until.js";

async function setUp(t: Test) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  return { issuer, daemon, authFile: join(daemon.codexHome, "auth.json") };
}

/** No more than the form of a login; `changes` are laid over it. */
function authJson(changes: object): string {
  return JSON.stringify({ auth_mode: "chatgpt", OPENAI_API_KEY: null, ...changes });
}

t.test("what is no call is answered, and the next caller is served", async (t) => {
  const { daemon } = await setUp(t);
  const { socket } = daemon;
  const isFault = (code: number, words: RegExp) => ({ error: { code, message: words }, id: null });
  t.match(JSON.parse((await post(socket, "{nonsense")).body), isFault(-32700, /not JSON/));
  t.match(JSON.parse((await post(socket, '"hello"')).body), isFault(-32600, /a request is an object/));
  t.match(await callError(socket, "token/steal", {}), { code: -32601, message: /token\/steal/ });
  t.match(await callError(socket, "token/get", { minValidityMs: "soon" }), {
    code: -32602,
    message: /minValidityMs/,
  });
  t.match(await callError(socket, "session/status", { codexHome: "../here" }), {
    code: -32602,
    message: /codexHome: must be an absolute path/,
  });
  t.match(await callError(socket, "session/status", { surprise: true }), {
    code: -32602,
    message: /surprise/,
  });
  const oversized = await post(socket, `"${"x".repeat(65_536)}"`);
  t.equal(oversized.status, 413);
  t.match(JSON.parse(oversized.body), isFault(-32600, /larger than 65536 bytes/));
  const page = await post(socket, "{}", { origin: "https://example.com" });
  t.equal(page.status, 403);
  t.match(JSON.parse(page.body).error, { data: { code: "ERR_CALLER_REFUSED" } });
  t.equal((await daemon.cli(["daemon", "status"])).code, 0);
});

t.test("a wrong command line is refused before anybody is asked", async (t) => {
  const { daemon } = await setUp(t);
  for (const args of [
    ["fly"],
    ["token", "--min-validity", "soon"],
    ["login", "--browser", "--device"],
    ["status", "--nope"],
  ]) {
    const { code, stdout, stderr } = await daemon.cli(args);
    t.strictSame({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
    t.match(stderr, /^error: /, args.join(" "));
  }
  const { code, stdout } = await daemon.cli(["status", "--nope", "--json"]);
  t.equal(code, 2);
  t.match(JSON.parse(stdout), { error: { code: "ERR_USAGE", message: /--nope/ } });
});

t.test("a Codex home that cannot be one is named", async (t) => {
  const { daemon } = await setUp(t);
  const file = join(daemon.home, "file");
  writeFileSync(file, "");
  const loop = join(daemon.home, "loop");
  symlinkSync(loop, loop);
  for (const home of [
    join(daemon.home, "absent"),
    file,
    join(file, "below"),
    loop,
    join(daemon.home, "x".repeat(300)),
  ]) {
    for (const command of ["status", "token"]) {
      const { code, stderr } = await daemon.cli([command, "--codex-home", home]);
      t.equal(code, 1, `${command} ${home}`);
      t.match(stderr, /ERR_CONFIG_INVALID/, `${command} ${home}`);
      t.match(stderr, home, `${command} ${home}`);
    }
    const { code } = await daemon.cli(["login", "--device"], { env: { CODEX_HOME: home } });
    t.equal(code, 1, `login ${home}`);
  }
  t.match(await callError(daemon.socket, "session/status", { codexHome: "/with/a\0nul" }), {
    code: -32602,
    message: /codexHome/,
  });
});

t.test("no login is no fault of the caller, whether or not there is a Codex home", async (t) => {
  const { issuer, daemon } = await setUp(t);
  for (const command of ["status", "token", "refresh"]) {
    const { code, stdout, stderr } = await daemon.cli([command]);
    t.equal(code, 3, command);
    t.match(stdout + stderr, /codex-auth login/, command);
  }
  rmSync(daemon.codexHome, { recursive: true });
  for (const command of ["status", "token", "refresh"]) {
    const { code, stdout, stderr } = await daemon.cli([command]);
    t.equal(code, 3, `${command} without ~/.codex`);
    t.match(stdout + stderr, /codex-auth login/, `${command} without ~/.codex`);
  }
  t.strictSame(await daemon.cli(["logout"]), {
    code: 0,
    stdout: "There was no login to forget.\n",
    stderr: "",
  });
  mkdirSync(daemon.codexHome, { recursive: true });
  writeLogin(daemon.codexHome, issuer);
  await until("a login in a new Codex home is noticed", async () => (await daemon.cli(["token"])).code === 0);
});

t.test(
  "an auth.json that nobody understands is named, kept, and replaced by a login with a copy",
  async (t) => {
    const { issuer, daemon, authFile } = await setUp(t);
    writeLogin(daemon.codexHome, issuer);
    const whole = readFileSync(authFile, "utf8");
    const { tokens } = JSON.parse(whole);
    const corrupt: readonly [string, RegExp][] = [
      ["", /is empty/],
      ["{", /is not JSON/],
      [whole.slice(0, whole.length / 2), /is not JSON/],
      [`\uFEFF${whole}`, /is not JSON/],
      [authJson({ auth_mode: "magic", tokens }), /"auth_mode"/],
      [authJson({ tokens: { ...tokens, access_token: undefined } }), /"tokens.access_token"/],
      [authJson({ tokens: { ...tokens, id_token: "no.jwt" } }), /"tokens.id_token"/],
      [authJson({ tokens, last_refresh: "yesterday" }), /"last_refresh"/],
    ];
    for (const [text, words] of corrupt) {
      rmSync(authFile);
      t.equal((await daemon.cli(["status"])).code, 3);
      writeFileSync(authFile, text);
      t.match(JSON.parse((await daemon.cli(["status", "--json"])).stdout).reason, words);
      for (const command of ["token", "refresh"]) {
        const { code, stderr } = await daemon.cli([command]);
        t.equal(code, 1, `${command} ${words}`);
        t.match(stderr, /ERR_STORAGE_CORRUPT[\s\S]*codex-auth login/, `${command} ${words}`);
        t.match(stderr, words);
      }
      t.equal(readFileSync(authFile, "utf8"), text, "it is left as it is");
    }
    const login = daemon.startCli(["login", "--browser", "--no-browser", "--json"]);
    await approveLogin(JSON.parse(await login.nextLine()).authorizationUrl);
    t.equal((await login.ended).code, 0);
    t.equal(readFileSync(`${authFile}.corrupt`, "utf8"), corrupt.at(-1)?.[0]);
    t.equal((await daemon.cli(["token"])).code, 0);
  },
);

t.test("a login in memory is served while its file is spoilt, and the status says so", async (t) => {
  const { issuer, daemon, authFile } = await setUp(t);
  writeLogin(daemon.codexHome, issuer);
  const whole = readFileSync(authFile, "utf8");
  t.equal((await daemon.cli(["status"])).code, 0);
  writeFileSync(authFile, whole.slice(0, 100));
  const { code, stdout } = await daemon.cli(["status"]);
  t.equal(code, 0);
  t.match(stdout, /warning: .*is not JSON.*in memory is served/);
  t.equal((await daemon.cli(["token"])).code, 0);
  writeFileSync(authFile, whole);
  t.notMatch((await daemon.cli(["status"])).stdout, /warning/);
});

t.test("a folder or a hard link in the place of auth.json is refused before a token is spent", async (t) => {
  const { issuer, daemon, authFile } = await setUp(t);
  mkdirSync(authFile);
  t.match((await daemon.cli(["status"])).stdout, /^Not logged in\. .*auth\.json cannot be read \(EISDIR\)/);
  const folder = await daemon.cli(["token"]);
  t.equal(folder.code, 75);
  t.match(folder.stderr, /auth\.json cannot be read \(EISDIR\)[\s\S]*ERR_STORAGE_UNAVAILABLE/);
  const login = await daemon.cli(["login", "--browser", "--no-browser", "--json"]);
  t.equal(login.code, 75);
  t.match(login.stdout, /ERR_STORAGE_UNAVAILABLE/);
  t.notMatch(login.stdout, /hard links/, "it is a folder, not a link");
  rmSync(authFile, { recursive: true });

  writeLogin(daemon.codexHome, issuer);
  linkSync(authFile, join(daemon.home, "second-name"));
  const linked = await daemon.cli(["refresh"]);
  t.equal(linked.code, 75);
  t.match(linked.stderr, /2 hard links[\s\S]*ERR_STORAGE_UNAVAILABLE/);
  t.equal((await daemon.cli(["token"])).code, 0);
  t.equal(issuer.requestsTo("refresh").length, 0);
});

t.test("a credential of another kind is shown and left alone", async (t) => {
  const { daemon, authFile } = await setUp(t);
  const text = JSON.stringify({ auth_mode: "apikey", OPENAI_API_KEY: "sk-test-1234567890abcdef" });
  writeFileSync(authFile, text);
  t.match((await daemon.cli(["status"])).stdout, /"?apikey/);
  for (const command of ["token", "refresh"]) {
    const { code, stderr } = await daemon.cli([command]);
    t.equal(code, 1, command);
    t.match(stderr, /ERR_NOT_MANAGED/, command);
  }
  t.equal(readFileSync(authFile, "utf8"), text);
});
