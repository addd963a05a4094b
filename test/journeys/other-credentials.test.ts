/** auth.json with credentials that are none of ours: shown as they are, refused in words of their own, and left alone. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { fakeJwt } from "../helpers/grants.js";

const EXP = Math.floor(Date.now() / 1000) + 3_600;
const JWT = fakeJwt({
  exp: EXP,
  email: "me@example.com",
  "https://api.openai.com/auth": { chatgpt_account_id: "ws-1", chatgpt_plan_type: "pro" },
});
const WITHOUT_REFRESH = {
  OPENAI_API_KEY: null,
  tokens: { id_token: JWT, access_token: JWT, refresh_token: "", account_id: "ws-1" },
  last_refresh: new Date().toISOString(),
};
const AGENT = {
  account_id: "ws-2",
  email: "agent@example.com",
  plan_type: "team",
  agent_private_key: "s3cret",
};

const KNOWN = { accountId: "ws-1", email: "me@example.com", planType: "pro", expiresAtMs: EXP * 1000 };
const UNKNOWN = { accountId: null, email: null, planType: null, expiresAtMs: null };

const DOCUMENTS: readonly [document: object, facts: object, words: RegExp][] = [
  [
    { auth_mode: "apikey", OPENAI_API_KEY: "sk-s3cret" },
    { authMode: "apikey", ...UNKNOWN },
    /an API key.*no refresh/,
  ],
  [
    { OPENAI_API_KEY: null, personal_access_token: "at-s3cret" },
    { authMode: "personalAccessToken", ...UNKNOWN },
    /a personal access token.*no refresh/,
  ],
  [
    { auth_mode: "chatgptAuthTokens", ...WITHOUT_REFRESH },
    { authMode: "chatgptAuthTokens", ...KNOWN },
    /external tokens.*keeps them fresh/,
  ],
  [
    { auth_mode: "chatgpt", ...WITHOUT_REFRESH },
    { authMode: "chatgpt", ...KNOWN },
    /without a refresh token.*until its access token expires/,
  ],
  [
    { auth_mode: "agentIdentity", OPENAI_API_KEY: null, agent_identity: AGENT },
    { authMode: "agentIdentity", accountId: "ws-2", email: "agent@example.com", planType: "team" },
    /the identity of an agent/,
  ],
  [
    { OPENAI_API_KEY: null, bedrock_api_key: { api_key: "s3cret", region: "us-east-1" } },
    { authMode: "bedrockApiKey", ...UNKNOWN },
    /an API key of Amazon Bedrock/,
  ],
  [
    { auth_mode: "headers", OPENAI_API_KEY: null },
    { authMode: "headers", ...UNKNOWN },
    /loads none of this mode/,
  ],
];

t.test("each is shown with what its file tells, and left alone", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  const client = daemon.client();
  const authFile = join(daemon.codexHome, "auth.json");
  for (const [document, facts, words] of DOCUMENTS) {
    const text = JSON.stringify(document);
    writeFileSync(authFile, text);
    const status = await client.getStatus();
    t.match(status, { state: "signedOut", ...facts, reason: words }, text);
    t.notMatch(JSON.stringify(status), /s3cret/);
    const refusal = { code: "ERR_NOT_MANAGED", message: words };
    await t.rejects(client.getAccessToken(), refusal);
    await t.rejects(client.refresh(), refusal);
    t.equal(readFileSync(authFile, "utf8"), text);
  }
  t.match((await daemon.cli(["status"])).stdout, /^No login to manage\. /);
  t.same(issuer.requests, []);
});

t.test("external tokens that somebody else renews are shown with their new end", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  for (const exp of [EXP, EXP + 3_600]) {
    const access_token = fakeJwt({ exp });
    const document = {
      auth_mode: "chatgptAuthTokens",
      ...WITHOUT_REFRESH,
      tokens: { ...WITHOUT_REFRESH.tokens, access_token },
    };
    writeFileSync(join(daemon.codexHome, "auth.json"), JSON.stringify(document));
    t.match(JSON.parse((await daemon.cli(["status", "--json"])).stdout), { expiresAtMs: exp * 1000 });
  }
});
