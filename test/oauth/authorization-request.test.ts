import t from "tap";
import { authorizationUrl } from "#daemon/oauth/authorization-request.js";
import { DEFAULT_CLIENT_ID, DEFAULT_ISSUER, DEFAULT_ORIGINATOR } from "#daemon/oauth/oauth-client.js";

/** What codex-cli 0.169 opened in the browser. */
const CAPTURED =
  "https://auth.openai.com/oauth/authorize?response_type=code&client_id=app_EMoamEEZ73f0CkXaXp7hrann&redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2Fauth%2Fcallback&code_challenge=My9TtMjVBSoZ_f_Yu-_J6Mx1QgMc6vgd1DJZFBJuyHY&code_challenge_method=S256&state=j53lKmrNX7PJngkFMTvNJqHUgy3cqXCaKOFT0V1ts7Q&scope=openid+profile+email+offline_access+api.connectors.read+api.connectors.invoke&id_token_add_organizations=true&codex_cli_simplified_flow=true&originator=codex_cli_rs";

const CLIENT = {
  issuer: DEFAULT_ISSUER,
  clientId: DEFAULT_CLIENT_ID,
  originator: DEFAULT_ORIGINATOR,
  userAgent: "codex-authd/0.1.0",
};

const REQUEST = {
  redirectUri: "http://127.0.0.1:1455/auth/callback",
  codeChallenge: "My9TtMjVBSoZ_f_Yu-_J6Mx1QgMc6vgd1DJZFBJuyHY",
  state: "j53lKmrNX7PJngkFMTvNJqHUgy3cqXCaKOFT0V1ts7Q",
};

t.test("an authorization request is byte for byte the one of codex-cli 0.169", async (t) => {
  t.equal(authorizationUrl(CLIENT, REQUEST), CAPTURED);
});

t.test("allowed workspaces are joined with a comma, at the end", async (t) => {
  const url = authorizationUrl(CLIENT, { ...REQUEST, allowedWorkspaceIds: ["ws-a", "ws-b"] });
  t.equal(url, `${CAPTURED}&allowed_workspace_id=ws-a%2Cws-b`);
});

t.test("an empty list of allowed workspaces allows any", async (t) => {
  t.equal(authorizationUrl(CLIENT, { ...REQUEST, allowedWorkspaceIds: [] }), CAPTURED);
});

t.test("issuer, client id, originator and redirect URI are the ones given, escaped", async (t) => {
  const client = { ...CLIENT, issuer: "http://127.0.0.1:8", clientId: "a&b", originator: "x y" };
  const url = new URL(
    authorizationUrl(client, { ...REQUEST, redirectUri: "http://localhost:1/auth/callback" }),
  );
  t.equal(url.origin, "http://127.0.0.1:8");
  t.equal(url.searchParams.get("client_id"), "a&b");
  t.equal(url.searchParams.get("originator"), "x y");
  t.equal(url.searchParams.get("redirect_uri"), "http://localhost:1/auth/callback");
});
