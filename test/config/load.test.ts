import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseFlags } from "#daemon/config/flags.js";
import { type Config, loadConfig } from "#daemon/config/load.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const ENV = { HOME: "/home/me" };
const FILE = "/home/me/.config/codex-authd/config.toml";

/** Loads with `toml` as the file at the default place. */
function load(
  toml: string,
  { argv = [], env = {} }: { argv?: string[]; env?: Record<string, string> } = {},
): Config {
  return loadConfig({ flags: parseFlags(argv), env: { ...ENV, ...env }, readFile: () => toml });
}

const missing = (): never => {
  throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
};
const invalid = (message: RegExp) => ({ name: "AuthError", code: "ERR_CONFIG_INVALID", message });

t.test("an unknown key is refused with the nearest one", async (t) => {
  t.throws(() => load('isuer = "https://x"'), invalid(/config\.toml: isuer: .*Did you mean "issuer"\?$/));
  t.throws(() => load('codexHome = "/x"'), invalid(/Did you mean "codex_home"\?/));
  t.throws(() => load("callback-port = 1"), invalid(/Did you mean "callback_port"\?/));
  t.throws(
    () => load("verbose = true"),
    invalid(
      /The keys are audit, ca_certificate_file, callback_fallback_port, callback_port, .*trusted_issuers\.$/,
    ),
  );
  t.throws(() => load("[issuer_options]\nx = 1"), invalid(/issuer_options: there is no such key/));
  t.throws(() => load("__proto__ = 1"), invalid(/__proto__/));
});

t.test("a wrong value is refused with what was given and what is allowed", async (t) => {
  const rows: [string, RegExp][] = [
    ['callback_port = "1455"', /^\S+config\.toml: callback_port: must be a whole number, not "1455"\.$/],
    ["callback_port = 65536", /callback_port: must be 0 to 65535, not 65536\./],
    ["callback_port = -1", /callback_port: must be 0 to 65535, not -1\./],
    ["callback_port = 1.5", /callback_port: must be a whole number, not 1\.5\./],
    ["client_id = 5", /client_id: must be a string, not 5\./],
    ['client_id = ""', /client_id: must be one or more visible ASCII characters, not ""\./],
    ['originator = "a\\nb"', /originator: must be one or more visible ASCII/],
    ['codex_home = "relative"', /codex_home: must be an absolute path, not "relative"\./],
    ['socket = "s"', /socket: must be an absolute path, not "s"\./],
    ['ca_certificate_file = "ca.pem"', /ca_certificate_file: must be an absolute path, not "ca\.pem"\./],
    ['https_proxy = "socks5://me:pw@p"', /https_proxy: must be an http:\/\/ or https:\/\/ URL, not "…@p"\./],
    ['http_proxy = "me:p/w@p:8080"', /http_proxy: must be an http:\/\/ or https:\/\/ URL, not "…@p:8080"\./],
    ["https_proxy = 5", /https_proxy: must be the URL of a proxy, not 5\./],
    ["no_proxy = []", /no_proxy: must be a list of hosts, separated by commas, not \[\]\./],
    ['log_level = "loud"', /log_level: must be one of fatal, error, .*, not "loud"\./],
    ['redirect_host = "0.0.0.0"', /redirect_host: must be localhost or 127\.0\.0\.1, not "0\.0\.0\.0"\./],
    ['trusted_issuers = "https://x"', /trusted_issuers: must be a list of issuers, not "https:\/\/x"\./],
    [
      'trusted_issuers = ["https://x", "http://x"]',
      /trusted_issuers\.1: must be https:\/\/, .*, not "http:\/\/x"\./,
    ],
  ];
  for (const [toml, message] of rows) t.throws(() => load(toml), invalid(message), toml);
  t.throws(() => load(`socket = "/${"x".repeat(103)}"`), invalid(/104 bytes long/));
  t.throws(
    () => load(`client_id = ["${"x".repeat(500)}"]`),
    { message: /.{1,250}…\.$/ },
    "a long value is cut",
  );
});

t.test("everything that is wrong is named at once", async (t) => {
  t.throws(() => load('socket = "s"\nisuer = 1'), invalid(/socket: [^\n]+\n[^\n]+isuer: /));
});

t.test("an issuer is a place that a refresh token may be sent to", async (t) => {
  const refused = [
    "ftp://issuer.example",
    "http://issuer.example",
    "http://127.0.0.1.example",
    "http://localhost.example",
    "https://me@issuer.example",
    "https://me:secret@issuer.example",
    "https://issuer.example?x=1",
    "https://issuer.example/#x",
    "issuer.example",
    "",
  ];
  for (const issuer of refused)
    t.throws(() => load(`issuer = "${issuer}"`), invalid(/: issuer: must /), issuer);
  const accepted = [
    ["https://issuer.example", "https://issuer.example"],
    ["https://issuer.example/", "https://issuer.example"],
    ["HTTPS://Issuer.Example:443/tenant//", "https://issuer.example/tenant"],
    ["http://localhost:9000", "http://localhost:9000"],
    ["http://127.0.0.2:9000/", "http://127.0.0.2:9000"],
    ["http://[::1]:9000", "http://[::1]:9000"],
  ];
  for (const [given = "", kept] of accepted) t.equal(load(`issuer = "${given}"`).issuer, kept, given);
});

t.test("a TOML error names file, line and column", async (t) => {
  t.throws(() => load('socket = "/s"\nissuer = \n'), invalid(/config\.toml:2:\d+: Invalid TOML document: /));
  t.throws(() => load('issuer = "a"\nissuer = "b"'), invalid(/config\.toml:2:\d+: /));
});

t.test("a file that was asked for must be there", async (t) => {
  const from = (argv: string[], env: Record<string, string>) => () =>
    loadConfig({ flags: parseFlags(argv), env: { ...ENV, ...env }, readFile: missing });
  t.throws(from(["--config", "/etc/mine.toml"], {}), invalid(/no configuration file at \/etc\/mine\.toml/));
  t.throws(
    from([], { CODEX_AUTHD_CONFIG: "/etc/mine.toml" }),
    invalid(/no configuration file at \/etc\/mine\.toml/),
  );
  t.doesNotThrow(from([], {}), "at the default place it need not be");
});

t.test("a file that is there must be readable", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "config.toml");
  mkdirSync(path);
  const flags = parseFlags(["--config", path]);
  t.throws(() => loadConfig({ flags, env: ENV }), invalid(/cannot be read \(EISDIR\)/));
  t.throws(
    () =>
      loadConfig({
        flags: parseFlags([]),
        env: ENV,
        readFile: () => {
          throw Object.assign(new Error("EACCES"), { code: "EACCES" });
        },
      }),
    invalid(/cannot be read \(EACCES\)/),
  );
});

t.test("variables and flags are validated under their own names", async (t) => {
  t.throws(
    () => load("", { env: { CODEX_AUTHD_LOG_LEVEL: "loud" } }),
    invalid(/^CODEX_AUTHD_LOG_LEVEL: must be one of/),
  );
  t.throws(
    () => load("", { env: { CODEX_AUTHD_SOCKET: "s" } }),
    invalid(/^CODEX_AUTHD_SOCKET: must be an absolute/),
  );
  t.throws(
    () => load("", { argv: ["--socket", "s"] }),
    invalid(/^--socket: must be an absolute path, not "s"\.$/),
  );
  t.throws(() => load("", { argv: ["--log-level", "loud"] }), invalid(/^--log-level: /));
});

t.test("without a file the defaults hold", async (t) => {
  const config = loadConfig({ flags: parseFlags([]), env: ENV, readFile: missing });
  t.same(config, {
    audit: true,
    caCertificateFile: null,
    callbackPort: 1455,
    callbackFallbackPort: 1457,
    clientId: "app_EMoamEEZ73f0CkXaXp7hrann",
    codexHome: "/home/me/.codex",
    hookCommand: null,
    httpProxy: null,
    httpsProxy: null,
    idleExitSeconds: 0,
    issuer: "https://auth.openai.com",
    logLevel: "info",
    noProxy: null,
    notify: true,
    originator: "codex_cli_rs",
    redirectHost: "localhost",
    socket: "/home/me/.codex-authd/run/codex-authd.sock",
    trustedIssuers: [],
  });
});

t.test("the fall-back port is upstream's beside upstream's port, and none beside another", async (t) => {
  t.equal(load("callback_port = 1455").callbackFallbackPort, 1457);
  t.equal(load("callback_port = 8080").callbackFallbackPort, undefined);
  t.equal(load("callback_port = 8080\ncallback_fallback_port = 8081").callbackFallbackPort, 8081);
  t.throws(() => load("callback_fallback_port = 0"), invalid(/callback_fallback_port: must be 1 to 65535/));
});

t.test("what config.toml says of CA and proxies is kept, the proxies as secrets", async (t) => {
  const toml =
    'ca_certificate_file = "/ca.pem"\nhttp_proxy = "http://p"\nhttps_proxy = "http://me:pw@p:8080"\nno_proxy = "a, .b"';
  const config = load(toml);
  t.match(config, { caCertificateFile: "/ca.pem", noProxy: "a, .b" });
  t.equal(config.httpsProxy?.reveal(), "http://me:pw@p:8080");
  t.notMatch(JSON.stringify(config), "pw");
});

t.test("the environment gives the defaults of paths", async (t) => {
  const env = { ...ENV, CODEX_HOME: "/codex", XDG_RUNTIME_DIR: "/run/user/1000" };
  const config = loadConfig({ flags: parseFlags([]), env, readFile: missing });
  t.match(config, { codexHome: "/codex", socket: "/run/user/1000/codex-authd/codex-authd.sock" });
});

t.test("flags win over the environment, which wins over the file", async (t) => {
  const toml = 'socket = "/file"\nlog_level = "warn"\ncodex_home = "/file-home"';
  const env = { CODEX_AUTHD_SOCKET: "/env", CODEX_AUTHD_LOG_LEVEL: "debug", CODEX_HOME: "/env-home" };
  t.match(load(toml), { socket: "/file", logLevel: "warn", codexHome: "/file-home" });
  t.match(load(toml, { env }), { socket: "/env", logLevel: "debug", codexHome: "/file-home" });
  const argv = ["--socket", "/flag", "--log-level", "silent"];
  t.match(load(toml, { env, argv }), { socket: "/flag", logLevel: "silent" });
  const empty = { CODEX_AUTHD_SOCKET: "", CODEX_AUTHD_LOG_LEVEL: "" };
  t.match(load(toml, { env: empty }), { socket: "/file", logLevel: "warn" }, "empty is unset");
});

t.test("the file is looked for where it is said to be", async (t) => {
  const seen: string[] = [];
  const readFile = (path: string): string => {
    seen.push(path);
    return "";
  };
  const env = { ...ENV, CODEX_AUTHD_CONFIG: "/env.toml" };
  loadConfig({ flags: parseFlags([]), env: ENV, readFile });
  loadConfig({ flags: parseFlags([]), env, readFile });
  loadConfig({ flags: parseFlags(["--config", "/flag.toml"]), env, readFile });
  t.same(seen, [FILE, "/env.toml", "/flag.toml"]);
});

t.test("a real file is read", async (t) => {
  const path = join(temporaryFolder(t), "config.toml");
  writeFileSync(path, 'trusted_issuers = ["https://a.example/"]\ncallback_port = 0\n');
  chmodSync(path, 0o600);
  const config = loadConfig({ flags: parseFlags(["--config", path]), env: ENV });
  t.match(config, { trustedIssuers: ["https://a.example"], callbackPort: 0 });
});

t.test("nobody changes a configuration", async (t) => {
  const config = load("");
  t.ok(Object.isFrozen(config));
  t.ok(Object.isFrozen(config.trustedIssuers));
});
