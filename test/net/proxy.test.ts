import t from "tap";
import { networkOfEnvironment } from "#daemon/net/network-settings.js";
import { isExempt, proxyFor } from "#daemon/net/proxy.js";

/** `NO_PROXY`, a host, and whether codex-cli 0.169 goes directly: tried with the real one, but for the rows marked. */
const EXEMPTIONS: readonly (readonly [list: string, host: string, isExempt: boolean])[] = [
  ["", "issuer.example", false],
  ["issuer.example", "issuer.example", true],
  ["ISSUER.example", "issuer.EXAMPLE", true],
  ["other.example, issuer.example ", "issuer.example", true],
  ["example", "issuer.example", true],
  [".example", "issuer.example", true],
  [".example", "example", true],
  ["suer.example", "issuer.example", false],
  ["issuer.example.", "issuer.example", false],
  ["*.example", "issuer.example", false],
  ["issuer.example:443", "issuer.example", false],
  ["*", "issuer.example", true],
  // Codex goes through the proxy here: its `*` is for names only.
  ["*", "127.0.0.1", true],
  ["127.0.0.1", "127.0.0.1", true],
  ["127.0.0.0/8", "127.0.0.1", true],
  ["10.0.0.0/8, 127.0.0.1", "127.0.0.1", true],
  ["10.0.0.0/8", "127.0.0.1", false],
  ["0.0.0.0/0", "127.0.0.1", true],
  ["127.0.0.1:8443", "127.0.0.1", false],
  ["127.*", "127.0.0.1", false],
  ["0.0.1", "127.0.0.1", false],
  ["localhost", "127.0.0.1", false],
  ["127.0.0.1", "localhost", false],
  ["::1", "[::1]", true],
  ["[::1]", "[::1]", false],
  ["fd00::/8", "[fd12::1]", true],
  ["127.0.0.0/33, 127.0.0.0/-1, 127.0.0.0/, 127.0.0.0/x, /, ,", "127.0.0.1", false],
];

for (const [list, host, expected] of EXEMPTIONS) {
  t.test(`NO_PROXY="${list}" ${expected ? "exempts" : "does not exempt"} ${host}`, async (t) => {
    t.equal(isExempt(host, list), expected);
  });
}

const HTTPS = new URL("https://issuer.example/oauth/token");
const of = (variables: Record<string, string>) => networkOfEnvironment({ cwd: "/", variables });

t.test("the proxy is the one for the scheme, unless the host is exempt", async (t) => {
  const both = of({ HTTP_PROXY: "http://plain:1", HTTPS_PROXY: "https://secure:2" });
  t.match(proxyFor(HTTPS, both), { origin: "https://secure:2", authorization: null, source: "HTTPS_PROXY" });
  t.match(proxyFor(new URL("http://127.0.0.1/"), both), { origin: "http://plain:1" });
  t.equal(proxyFor(HTTPS, of({ HTTP_PROXY: "http://plain:1" })), null);
  t.equal(proxyFor(HTTPS, { ...both, noProxy: "issuer.example" }), null);
});

t.test("a proxy without a scheme is an HTTP one", async (t) => {
  t.match(proxyFor(HTTPS, of({ ALL_PROXY: "proxy.example:8080" })), { origin: "http://proxy.example:8080" });
  t.match(proxyFor(HTTPS, of({ ALL_PROXY: "me:pw@proxy.example:8080" })), {
    origin: "http://proxy.example:8080",
  });
});

/** `user:password` that each proxy URL stands for. */
const CREDENTIALS: Readonly<Record<string, string>> = {
  "http://me:secret@p": "me:secret",
  "http://me@p": "me:",
  "http://:secret@p": ":secret",
  "http://me:p%40s%3As@p": "me:p@s:s",
  "http://me:100%@p": "me:100%",
  "http://m%C3%A9:x@p": "mé:x",
};

for (const [value, expected] of Object.entries(CREDENTIALS)) {
  t.test(`${value} authorizes as ${expected}, and shows nothing of it`, async (t) => {
    const proxy = proxyFor(HTTPS, of({ HTTPS_PROXY: value }));
    const [scheme, encoded = ""] = proxy?.authorization?.reveal().split(" ") ?? [];
    t.strictSame([scheme, Buffer.from(encoded, "base64").toString()], ["Basic", expected]);
    t.strictSame(JSON.parse(JSON.stringify(proxy)), {
      origin: "http://p",
      authorization: "[redacted]",
      source: "HTTPS_PROXY",
    });
  });
}

for (const value of ["socks5://u:secret@p:1", "socks://u:secret@p", "socks5h://p", "ftp://u:secret@p"]) {
  t.test(
    `${value.replace("u:secret@", "")} is refused with what can be used, without its password`,
    async (t) => {
      t.throws(() => proxyFor(HTTPS, of({ ALL_PROXY: value })), {
        name: "HttpFailure",
        wasSent: false,
        message: /^(?!.*secret)ALL_PROXY names a proxy of the kind "(socks5?h?|ftp)".*http and https/,
      });
    },
  );
}

t.test("what is no URL is refused by the name of its variable alone", async (t) => {
  for (const value of ["http://u:secret@", "http://u:sec ret@p:x", "://secret"]) {
    t.throws(() => proxyFor(HTTPS, of({ https_proxy: value })), {
      message: /^https_proxy is not the URL of a proxy/,
    });
  }
});
