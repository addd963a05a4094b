import { randomBytes } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { errorCode, issuerWords } from "#daemon/oauth/issuer-words.js";
import { fakeJwt } from "../helpers/grants.js";

const SECRETS: Record<string, string> = {
  "a JWT": fakeJwt({ sub: "me" }),
  "half a JWT": fakeJwt({ sub: "me" }).slice(0, 30),
  "a refresh token": "rt_fake_login_7bc37dee",
  "a refresh token with dots": "rt.1.AAbbCC.ddEEff",
  "a personal access token": "at-0123456789abcdef",
  "an API key": "sk-proj-0123456789",
  "an authorization code": "ac_0123456789",
  "a verifier": randomBytes(64).toString("base64url"),
  "a state": randomBytes(32).toString("base64url"),
};

t.test("words hold no secret", async (t) => {
  for (const [name, secret] of Object.entries(SECRETS)) {
    t.test(name, async (t) => {
      for (const text of [secret, `token ${secret}.`, `"${secret}" is used`, `https://x/?a=${secret}&b=c`]) {
        t.notMatch(issuerWords(text), secret);
        t.match(issuerWords(text), "[redacted]");
      }
    });
  }
  t.test("a short value that is named as one", async (t) => {
    t.equal(issuerWords("at /cb?code=abc&scope=x"), "at /cb?[redacted]&scope=x");
    t.equal(issuerWords("refresh_token=abc"), "[redacted]");
  });
  t.test("a token at any place of any text", async (t) => {
    const opaque = fc
      .uint8Array({ minLength: 24, maxLength: 64 })
      .map((bytes) => `rt_${Buffer.from(bytes).toString("base64url")}`);
    const isHidden = fc.property(fc.string(), opaque, fc.string(), (before, token, after) => {
      return !issuerWords(`${before} ${token} ${after}`).includes(token.slice(0, 20));
    });
    t.doesNotThrow(() => fc.assert(isHidden));
  });
});

t.test("words are one line without control, direction or invisible characters", async (t) => {
  t.equal(issuerWords("  a\r\nb\tc\u001b[31m \u202ed\u200be\u2028f "), "a b c [31m d e f");
});

t.test("words have at most 300 characters", async (t) => {
  t.equal(issuerWords("ab ".repeat(100)).length, 299);
  t.equal(issuerWords("ab ".repeat(200)).length, 300);
  t.match(issuerWords("ab ".repeat(200)), /…$/);
});

t.test("ordinary words stay as they are", async (t) => {
  const text =
    "Your session has ended (missing_codex_entitlement). Please sign in again at your work-station.";
  t.equal(issuerWords(text), text);
});

t.test("words from a body of any size take no time to speak of", async (t) => {
  t.equal(issuerWords("a".repeat(10_000_000)), "[redacted]");
});

t.test("an error code is a word, in lower case", async (t) => {
  t.equal(errorCode("Refresh_Token_Reused"), "refresh_token_reused");
  for (const wrong of [
    undefined,
    null,
    7,
    {},
    "",
    "two words",
    "<b>",
    "a\nb",
    "rt_fake_login_7bc37dee",
    "x".repeat(64),
  ]) {
    t.equal(errorCode(wrong), undefined, String(wrong));
  }
});
