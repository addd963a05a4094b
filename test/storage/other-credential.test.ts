import t from "tap";
import { otherCredential } from "#daemon/storage/other-credential.js";
import { fakeJwt } from "../helpers/grants.js";

const NOTHING = { accountId: null, email: null, planType: null, expiresAtMs: null };

function jwt(email: string, more: object = {}): string {
  const auth = { chatgpt_account_id: "ws-claim", chatgpt_plan_type: "pro" };
  return fakeJwt({ email, "https://api.openai.com/auth": auth, ...more });
}

t.test("external tokens tell whose they are and until when, the access token first", async (t) => {
  const tokens = {
    id_token: jwt("id@example.com"),
    access_token: jwt("me@example.com", { exp: 100 }),
    refresh_token: "",
  };
  const facts = { email: "me@example.com", planType: "pro", expiresAtMs: 100_000 };
  const named = { tokens: { ...tokens, account_id: "ws-1" } };
  for (const mode of ["chatgptAuthTokens", "chatgpt"]) {
    t.same(otherCredential(named, mode), { authMode: mode, accountId: "ws-1", ...facts });
  }
  t.same(otherCredential({ tokens }, "chatgptAuthTokens").accountId, "ws-claim");
  const opaque = { tokens: { ...tokens, access_token: "opaque" } };
  t.match(otherCredential(opaque, "chatgptAuthTokens"), {
    email: "id@example.com",
    planType: "pro",
    expiresAtMs: null,
  });
  t.match(otherCredential({}, "chatgptAuthTokens"), NOTHING);
});

t.test("an agent's identity tells it as a record and as a JWT", async (t) => {
  const record = { account_id: "ws-1", email: "", plan_type: "team", agent_private_key: "s3cret" };
  const told = otherCredential({ agent_identity: record }, "agentIdentity");
  t.same(told, {
    authMode: "agentIdentity",
    accountId: "ws-1",
    email: null,
    planType: "team",
    expiresAtMs: null,
  });
  t.match(otherCredential({ agent_identity: jwt("a@example.com") }, "agentIdentity"), {
    email: "a@example.com",
  });
  t.match(otherCredential({ agent_identity: 5 }, "agentIdentity"), NOTHING);
});

t.test("keys tell nothing, whatever else is in the document", async (t) => {
  const tokens = { id_token: jwt("x@example.com"), access_token: "a", refresh_token: "" };
  for (const mode of ["apikey", "personalAccessToken", "bedrockApiKey", "bedrockAccessKeys", "headers"]) {
    t.same(otherCredential({ tokens }, mode), { authMode: mode, ...NOTHING });
  }
});
