import t from "tap";
import { isSameState, parseAuthorizationResponse } from "#daemon/oauth/authorization-response.js";

const parse = (query: string) =>
  parseAuthorizationResponse(new URL(`http://localhost:1455/auth/callback?${query}`));

t.test("a response that cannot be used", async (t) => {
  const malformed: Record<string, [query: string, reason: RegExp]> = {
    "without anything": ["", /no `state`/],
    "without state": ["code=a", /no `state`/],
    "with an empty state": ["code=a&state=", /no `state`/],
    "with neither code nor error": ["state=s", /neither/],
    "with an empty code": ["code=&state=s", /neither/],
    "with code and error": ["code=a&error=b&state=s", /both/],
    "with two codes": ["code=a&code=b&state=s", /`code` twice/],
    "with the same code twice": ["code=a&code=a&state=s", /`code` twice/],
    "with two states": ["code=a&state=s&state=t", /`state` twice/],
    "with two errors": ["error=a&error=b&state=s", /`error` twice/],
    "with two descriptions": ["error=a&error_description=b&error_description=c&state=s", /twice/],
  };
  for (const [name, [query, reason]] of Object.entries(malformed)) {
    t.test(`${name} is malformed, and says why`, async (t) => {
      t.match(parse(query), { kind: "malformed", reason });
    });
  }
});

t.test("a code comes with its state, and does not print itself", async (t) => {
  const response = parse("code=code_fake_195&scope=openid+profile&state=s");
  t.match(response, { kind: "code", state: "s" });
  t.equal(response.kind === "code" && response.code.reveal(), "code_fake_195");
  t.notMatch(JSON.stringify(response), "code_fake_195");
});

t.test("an error comes with the issuer's words", async (t) => {
  t.strictSame(parse("error=access_denied&error_description=The+user+said+no.&state=s"), {
    kind: "error",
    error: "access_denied",
    description: "The user said no.",
    state: "s",
  });
});

t.test("an error without words has no description", async (t) => {
  t.strictSame(parse("error=server_error&state=s"), { kind: "error", error: "server_error", state: "s" });
});

t.test("an error that is no code is not repeated, and its words are made harmless", async (t) => {
  const response = parse("error=%1b[31mred&error_description=a%0d%0ab%1b+rt_secret_token&state=s");
  t.strictSame(response, {
    kind: "error",
    error: "invalid_error_code",
    description: "a b [redacted]",
    state: "s",
  });
});

t.test("a state is the same when it is equal, or equal with upstream's suffix", async (t) => {
  t.equal(isSameState("abc", "abc"), true);
  t.equal(isSameState("abc.onboarding_entrypoint=life_sciences", "abc"), true);
  for (const other of [
    "",
    "ab",
    "abcd",
    "ABC",
    "abc.onboarding_entrypoint=other",
    ".onboarding_entrypoint=life_sciences",
  ]) {
    t.equal(isSameState(other, "abc"), false, other);
  }
});
