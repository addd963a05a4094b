import { type ChildEnvironment, Redacted } from "@codex-authd/shared";
import t from "tap";
import {
  DIRECT,
  type NetworkSettings,
  networkOfConfig,
  networkOfEnvironment,
  underOwner,
} from "#daemon/net/network-settings.js";

/** The settings with their passwords, as plain text: `value (source)`. */
function shown({ caFile, httpProxy, httpsProxy, noProxy }: NetworkSettings): Record<string, string | null> {
  const proxy = (setting: NetworkSettings["httpProxy"]) =>
    setting && `${setting.value.reveal()} (${setting.source})`;
  return {
    ca: caFile && `${caFile.value} (${caFile.source})`,
    http: proxy(httpProxy),
    https: proxy(httpsProxy),
    noProxy,
  };
}

const NOTHING = { ca: null, http: null, https: null, noProxy: null };

type Variables = ChildEnvironment["variables"];

/** What each environment means; what a row leaves out is `null`. */
const ENVIRONMENTS: readonly (readonly [
  string,
  Variables,
  Partial<typeof NOTHING> | Record<string, string>,
])[] = [
  ["an empty one says nothing", {}, {}],
  ["CODEX_CA_CERTIFICATE", { CODEX_CA_CERTIFICATE: "/a.pem" }, { ca: "/a.pem (CODEX_CA_CERTIFICATE)" }],
  ["SSL_CERT_FILE", { SSL_CERT_FILE: "/b.pem" }, { ca: "/b.pem (SSL_CERT_FILE)" }],
  [
    "CODEX_CA_CERTIFICATE goes before SSL_CERT_FILE",
    { CODEX_CA_CERTIFICATE: "/a.pem", SSL_CERT_FILE: "/b.pem" },
    { ca: "/a.pem (CODEX_CA_CERTIFICATE)" },
  ],
  [
    "an empty CODEX_CA_CERTIFICATE is none",
    { CODEX_CA_CERTIFICATE: "", SSL_CERT_FILE: "/b.pem" },
    { ca: "/b.pem (SSL_CERT_FILE)" },
  ],
  [
    "a relative CA file is one of the child's cwd",
    { CODEX_CA_CERTIFICATE: "../ca.pem" },
    { ca: "/work/ca.pem (CODEX_CA_CERTIFICATE)" },
  ],
  ["HTTP_PROXY is for http alone", { HTTP_PROXY: "u" }, { http: "u (HTTP_PROXY)" }],
  ["http_proxy too", { http_proxy: "l" }, { http: "l (http_proxy)" }],
  ["upper case goes first", { HTTP_PROXY: "u", http_proxy: "l" }, { http: "u (HTTP_PROXY)" }],
  ["an empty one is none", { HTTP_PROXY: "", http_proxy: "l" }, { http: "l (http_proxy)" }],
  ["HTTPS_PROXY is for https alone", { HTTPS_PROXY: "u" }, { https: "u (HTTPS_PROXY)" }],
  ["https_proxy too", { https_proxy: "l" }, { https: "l (https_proxy)" }],
  ["ALL_PROXY is for both", { ALL_PROXY: "a" }, { http: "a (ALL_PROXY)", https: "a (ALL_PROXY)" }],
  ["all_proxy too", { all_proxy: "a" }, { http: "a (all_proxy)", https: "a (all_proxy)" }],
  [
    "the scheme's own goes before ALL_PROXY",
    { ALL_PROXY: "a", https_proxy: "l" },
    { http: "a (ALL_PROXY)", https: "l (https_proxy)" },
  ],
  ["NO_PROXY", { NO_PROXY: "x", no_proxy: "y" }, { noProxy: "x" }],
  ["no_proxy", { no_proxy: "y" }, { noProxy: "y" }],
];

for (const [name, variables, expected] of ENVIRONMENTS) {
  t.test(`of an environment: ${name}`, async (t) => {
    const settings = networkOfEnvironment({ cwd: "/work/here", variables });
    t.strictSame(shown(settings), { ...NOTHING, ...expected });
  });
}

const LOGIN = networkOfEnvironment({
  cwd: "/",
  variables: { SSL_CERT_FILE: "/login.pem", ALL_PROXY: "http://login", NO_PROXY: "login.example" },
});
const SILENT = { caCertificateFile: null, httpProxy: null, httpsProxy: null, noProxy: null };

t.test("where config.toml says nothing, the login's settings hold", async (t) => {
  t.strictSame(networkOfConfig(SILENT), DIRECT);
  t.strictSame(underOwner(DIRECT, LOGIN), LOGIN);
});

t.test("config.toml's CA file wins, and leaves the proxy to the login", async (t) => {
  const owner = networkOfConfig({ ...SILENT, caCertificateFile: "/owner.pem" });
  t.strictSame(shown(underOwner(owner, LOGIN)), {
    ...shown(LOGIN),
    ca: "/owner.pem (`ca_certificate_file` of config.toml)",
  });
});

t.test("any word of config.toml about proxies wins over all that the login says of them", async (t) => {
  const ca = "/login.pem (SSL_CERT_FILE)";
  const https = networkOfConfig({ ...SILENT, httpsProxy: new Redacted("http://owner") });
  t.strictSame(shown(underOwner(https, LOGIN)), {
    ca,
    http: null,
    https: "http://owner (`https_proxy` of config.toml)",
    noProxy: null,
  });
  const none = networkOfConfig({ ...SILENT, noProxy: "*" });
  t.strictSame(shown(underOwner(none, LOGIN)), { ca, http: null, https: null, noProxy: "*" });
});
