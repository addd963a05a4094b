import { fingerprint } from "@codex-authd/shared";
import t from "tap";
import {
  credentialFrom,
  effectiveAuthMode,
  parseAuthJson,
  serializeAuthJson,
  storedRefreshToken,
  withLogin,
  withRefreshedTokens,
} from "#daemon/storage/auth-json.js";
import { fakeGrant, fakeJwt } from "../helpers/grants.js";

const PATH = "/home/me/.codex/auth.json";
const parse = (value: unknown) => parseAuthJson(JSON.stringify(value), PATH);
const corrupt = (message: RegExp) => ({ code: "ERR_STORAGE_CORRUPT", message });

t.test("parseAuthJson refuses what upstream refuses, and names the field", async (t) => {
  const tokens = { id_token: fakeJwt({}), access_token: "a", refresh_token: "r" };
  t.throws(() => parseAuthJson("", PATH), corrupt(/it is empty/));
  t.throws(() => parseAuthJson('{"tokens": {"acc', PATH), corrupt(/it is not JSON/));
  t.throws(() => parseAuthJson('\uFEFF{"OPENAI_API_KEY": null}', PATH), corrupt(/it is not JSON/));
  t.throws(() => parse([]), corrupt(/wrong/));
  t.throws(() => parse({ auth_mode: "magic" }), corrupt(/"auth_mode"/));
  t.throws(() => parse({ tokens: { ...tokens, id_token: "no-jwt" } }), corrupt(/"tokens.id_token"/));
  t.throws(() => parse({ tokens: { ...tokens, access_token: undefined } }), corrupt(/"tokens.access_token"/));
  t.throws(
    () => parse({ tokens: { ...tokens, refresh_token: undefined } }),
    corrupt(/"tokens.refresh_token"/),
  );
  t.throws(() => parse({ last_refresh: "yesterday" }), corrupt(/"last_refresh"/));
});

t.test("a message about a corrupt file never quotes it", async (t) => {
  const secret = "rt_very_secret";
  try {
    parseAuthJson(`{"tokens": {"refresh_token": "${secret}", "id_token": "${secret}"`, PATH);
    t.fail("must throw");
  } catch (error) {
    t.notMatch(String((error as Error).stack), secret);
    t.match((error as Error).message, PATH);
  }
});

t.test("effectiveAuthMode follows upstream's order", async (t) => {
  t.equal(effectiveAuthMode(parse({ auth_mode: "chatgpt", OPENAI_API_KEY: "sk-stale" })), "chatgpt");
  t.equal(
    effectiveAuthMode(parse({ personal_access_token: "at-1", OPENAI_API_KEY: "sk-1" })),
    "personalAccessToken",
  );
  t.equal(effectiveAuthMode(parse({ bedrock_api_key: { api_key: "k" } })), "bedrockApiKey");
  t.equal(effectiveAuthMode(parse({ bedrock_access_keys: { access_key_id: "k" } })), "bedrockAccessKeys");
  t.equal(effectiveAuthMode(parse({ OPENAI_API_KEY: "sk-1", tokens: null })), "apikey");
  t.equal(effectiveAuthMode(parse({ OPENAI_API_KEY: null })), "chatgpt");
});

t.test("credentialFrom tells managed, other and absent apart", async (t) => {
  const tokens = { id_token: fakeJwt({}), access_token: "a", refresh_token: "r", account_id: "acct-9" };
  const managed = credentialFrom(
    parse({ OPENAI_API_KEY: null, tokens, last_refresh: "2026-11-22T14:00:00+01:00" }),
  );
  t.match(managed, { kind: "managed", grant: { accountId: "acct-9", issuer: null, clientId: null } });
  t.equal(managed.kind === "managed" && managed.grant.lastRefreshAtMs, Date.parse("2026-11-22T13:00:00Z"));
  t.match(credentialFrom(parse({ auth_mode: "apikey", OPENAI_API_KEY: "sk-1" })), {
    kind: "other",
    authMode: "apikey",
  });
  t.match(
    credentialFrom(parse({ auth_mode: "chatgptAuthTokens", tokens: { ...tokens, refresh_token: "" } })),
    {
      kind: "other",
      authMode: "chatgptAuthTokens",
      accountId: "acct-9",
    },
  );
  t.match(credentialFrom(parse({ tokens: { ...tokens, refresh_token: "" } })), {
    kind: "other",
    authMode: "chatgpt",
  });
  t.same(credentialFrom(parse({ OPENAI_API_KEY: null })), { kind: "absent" });
});

t.test("withLogin writes upstream's fields, order and form", async (t) => {
  const grant = fakeGrant({ issuedAtMs: Date.parse("2026-11-22T13:45:11.649Z") });
  const text = serializeAuthJson(withLogin(undefined, grant));
  const written = JSON.parse(text);
  t.same(Object.keys(written), ["auth_mode", "OPENAI_API_KEY", "tokens", "last_refresh"]);
  t.same(Object.keys(written.tokens), [
    "id_token",
    "access_token",
    "refresh_token",
    "oauth_provenance",
    "login_owner_id",
    "account_id",
  ]);
  t.equal(written.OPENAI_API_KEY, null);
  t.equal(written.last_refresh, "2026-11-22T13:45:11.649000000Z");
  t.match(written.tokens.login_owner_id, /^[\w-]{43}$/);
  t.match(text, /^\{\n {2}"auth_mode": "chatgpt",\n/);
  t.notMatch(text, /\n$/);
});

t.test("withLogin drops the old credential and keeps what it does not know", async (t) => {
  const before = parse({
    auth_mode: "apikey",
    OPENAI_API_KEY: "sk-old",
    personal_access_token: "at-old",
    new_field: { a: 1 },
  });
  const written = JSON.parse(serializeAuthJson(withLogin(before, fakeGrant())));
  t.same(written.new_field, { a: 1 });
  t.equal(written.OPENAI_API_KEY, null);
  t.notOk("personal_access_token" in written);
});

t.test("withRefreshedTokens replaces the tokens and nothing else", async (t) => {
  const before = parse({
    auth_mode: "chatgpt",
    OPENAI_API_KEY: "sk-exchanged",
    tokens: {
      id_token: fakeJwt({}),
      access_token: "old",
      refresh_token: "old",
      oauth_provenance: { issuer: "https://auth.openai.com/", client_id: "app_x", extra: true },
      login_owner_id: "owner",
      account_id: "acct-9",
      token_field_of_tomorrow: 1,
    },
    last_refresh: "2026-01-01T00:00:00Z",
    field_of_tomorrow: [1, 2],
  });
  const grant = fakeGrant({ accountId: "acct-other" });
  const after = JSON.parse(serializeAuthJson(withRefreshedTokens(before, grant)));
  const expected = JSON.parse(serializeAuthJson(before));
  expected.tokens.id_token = grant.idToken.reveal();
  expected.tokens.access_token = grant.accessToken.reveal();
  expected.tokens.refresh_token = grant.refreshToken.reveal();
  expected.last_refresh = after.last_refresh;
  t.same(after, expected);
  t.same(Object.keys(after), Object.keys(expected), "in the same order");
});

t.test("withRefreshedTokens adds no oauth_provenance that was not there", async (t) => {
  const tokens = { id_token: fakeJwt({}), access_token: "a", refresh_token: "r" };
  const after = JSON.parse(
    serializeAuthJson(withRefreshedTokens(parse({ OPENAI_API_KEY: null, tokens }), fakeGrant())),
  );
  t.notOk("oauth_provenance" in after.tokens);
  t.equal(after.tokens.account_id, null);
});

t.test("storedRefreshToken is a fingerprint, or null", async (t) => {
  t.equal(storedRefreshToken(withLogin(undefined, fakeGrant({ refreshToken: "rt_1" }))), fingerprint("rt_1"));
  t.equal(storedRefreshToken(parse({ OPENAI_API_KEY: "sk-1" })), null);
});
