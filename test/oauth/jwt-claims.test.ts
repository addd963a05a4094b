import t from "tap";
import { readJwtClaims } from "#daemon/oauth/jwt-claims.js";

const encode = (text: string): string => Buffer.from(text).toString("base64url");
const jwt = (payload: unknown): string =>
  `${encode('{"alg":"none"}')}.${encode(JSON.stringify(payload))}.c2ln`;

/** The id_token of a login of codex-cli 0.169 at a made-up issuer. */
const CAPTURED_ID_TOKEN =
  "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImZha2UifQ.eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjE4NTAwIiwic3ViIjoiYXV0aDB8ZmFrZSIsImF1ZCI6WyJhcHBfRU1vYW1FRVo3M2YwQ2tYYVhwN2hyYW5uIl0sImVtYWlsIjoibWVAZXhhbXBsZS5jb20iLCJlbWFpbF92ZXJpZmllZCI6dHJ1ZSwiaWF0IjoxNzk1MzU4NTY1LCJleHAiOjE3OTUzNjIxNjUsInRhZyI6ImxvZ2luIiwiaHR0cHM6Ly9hcGkub3BlbmFpLmNvbS9hdXRoIjp7ImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY3QtZmFrZS0wMDAxIiwiY2hhdGdwdF9wbGFuX3R5cGUiOiJwcm8iLCJjaGF0Z3B0X3VzZXJfaWQiOiJ1c2VyLWZha2UtMSIsInVzZXJfaWQiOiJ1c2VyLWZha2UtMSIsIm9yZ2FuaXphdGlvbl9pZCI6Im9yZy1mYWtlIiwicHJvamVjdF9pZCI6InByb2otZmFrZSIsImNvbXBsZXRlZF9wbGF0Zm9ybV9vbmJvYXJkaW5nIjp0cnVlLCJpc19vcmdfb3duZXIiOmZhbHNlLCJvcmdhbml6YXRpb25zIjpbeyJpZCI6Im9yZy1mYWtlIiwiaXNfZGVmYXVsdCI6dHJ1ZSwicm9sZSI6Im93bmVyIiwidGl0bGUiOiJQZXJzb25hbCJ9XX19.c2ln";

t.test("what is no JWT", async (t) => {
  const payload = encode("{}");
  const wrong: Record<string, string> = {
    "an empty text": "",
    "an opaque token": "at-0123456789",
    "two parts": `a.${payload}`,
    "four parts": `a.${payload}.b.c`,
    "an empty header": `.${payload}.b`,
    "an empty payload": "a..b",
    "an empty signature": `a.${payload}.`,
    "a padded payload": `a.${Buffer.from('{"a":1}').toString("base64")}.b`,
    "a payload in the other base64": `a.${Buffer.from('{"a":"ÿÿÿ>>>???"}').toString("base64").replaceAll("=", "")}.b`,
    "a payload of an impossible length": "a.eyJhI.b",
    "a payload that is no JSON": `a.${encode("hello")}.b`,
    "a payload with text behind the object": `a.${encode("{} x")}.b`,
    "a payload with a byte order mark": `a.${encode("\ufeff{}")}.b`,
    "an array": `a.${encode("[]")}.b`,
    "a text": `a.${encode('"x"')}.b`,
    null: `a.${encode("null")}.b`,
  };
  for (const [name, token] of Object.entries(wrong)) {
    t.test(`${name} has no claims`, async (t) => {
      t.equal(readJwtClaims(token), undefined);
    });
  }
});

t.test("the claims of upstream's id_token", async (t) => {
  t.strictSame(readJwtClaims(CAPTURED_ID_TOKEN), {
    expAtMs: 1_795_362_165_000,
    iatAtMs: 1_795_358_565_000,
    email: "me@example.com",
    planType: "pro",
    accountId: "acct-fake-0001",
    userId: "user-fake-1",
  });
});

t.test("e-mail and user id have a second place", async (t) => {
  const claims = {
    "https://api.openai.com/profile": { email: "profile@example.com" },
    "https://api.openai.com/auth": { user_id: "user-2" },
  };
  t.strictSame(readJwtClaims(jwt(claims)), { email: "profile@example.com", userId: "user-2" });
});

t.test("the first place goes before the second", async (t) => {
  const claims = {
    email: "me@example.com",
    "https://api.openai.com/profile": { email: "profile@example.com" },
    "https://api.openai.com/auth": { chatgpt_user_id: "user-1", user_id: "user-2" },
  };
  t.match(readJwtClaims(jwt(claims)), { email: "me@example.com", userId: "user-1" });
});

t.test("claims of the wrong type are absent, and harm no other", async (t) => {
  const claims = {
    exp: "1795362165",
    iat: null,
    email: 7,
    "https://api.openai.com/profile": "x",
    "https://api.openai.com/auth": {
      chatgpt_plan_type: ["pro"],
      chatgpt_account_id: "",
      chatgpt_user_id: "user-1",
    },
  };
  t.strictSame(readJwtClaims(jwt(claims)), { userId: "user-1" });
  t.strictSame(readJwtClaims(jwt({ "https://api.openai.com/auth": [] })), {});
});

t.test("times at the edges stay times", async (t) => {
  t.equal(readJwtClaims(jwt({ exp: 0 }))?.expAtMs, 0);
  t.equal(readJwtClaims(jwt({ exp: -1 }))?.expAtMs, 0);
  t.equal(readJwtClaims(jwt({ exp: 1.0015 }))?.expAtMs, 1001);
  t.equal(readJwtClaims(jwt({ exp: 1e300 }))?.expAtMs, 8.64e15);
});

t.test("the plan stays as the issuer spells it", async (t) => {
  const claims = { "https://api.openai.com/auth": { chatgpt_plan_type: "hc" } };
  t.equal(readJwtClaims(jwt(claims))?.planType, "hc");
});
