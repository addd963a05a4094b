import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionStatus } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { loadCodexConfig } from "#daemon/codex/codex-config.js";
import {
  assertLoginAllowed,
  assertWorkspaceAllowed,
  withPolicyWarnings,
} from "#daemon/session/login-policy.js";
import { fakeGrant } from "../helpers/grants.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

/** A folder whose `config.toml`, and `requirements.toml` of the system, say this. */
function placeWith(t: Test, config: string, requirements = "") {
  const codexHome = temporaryFolder(t);
  writeFileSync(join(codexHome, "config.toml"), config);
  writeFileSync(join(codexHome, "requirements.toml"), requirements);
  return { codexHome, systemFolder: codexHome };
}

const policyOf = (t: Test, config: string, requirements?: string) =>
  loadCodexConfig({ ...placeWith(t, config, requirements), systemFolder: "/nonexistent" });

t.test("a login that Codex would throw away or never see is refused before it begins", async (t) => {
  t.throws(() => assertLoginAllowed(policyOf(t, 'forced_login_method = "api"'), {}), {
    code: "ERR_CONFIG_INVALID",
    message: /config\.toml says forced_login_method = "api".*codex login --with-api-key/,
  });
  const ephemeral = policyOf(t, 'cli_auth_credentials_store = "ephemeral"');
  t.throws(() => assertLoginAllowed(ephemeral, {}), { message: /"ephemeral".*--memory/ });
  t.doesNotThrow(() => assertLoginAllowed(ephemeral, { storage: "memory" }));
});

t.test("any other is allowed", async (t) => {
  for (const store of ["file", "keyring", "auto"]) {
    t.doesNotThrow(() => assertLoginAllowed(policyOf(t, `cli_auth_credentials_store = "${store}"`), {}));
  }
  t.doesNotThrow(() => assertLoginAllowed(policyOf(t, 'forced_login_method = "chatgpt"'), {}));
});

t.test("a login for another workspace is refused before it is stored, by the name of the rule", async (t) => {
  const restricted = policyOf(t, 'forced_chatgpt_workspace_id = ["ws-1", "ws-2"]');
  t.throws(() => assertWorkspaceAllowed(restricted, fakeGrant({ accountId: "ws-3" })), {
    code: "ERR_WORKSPACE_NOT_ALLOWED",
    message:
      /restricted to workspace id\(s\) ws-1, ws-2 \(forced_chatgpt_workspace_id in .*config\.toml\), but this one is for ws-3.*Nothing was stored/,
  });
  t.throws(() => assertWorkspaceAllowed(restricted, { ...fakeGrant(), accountId: null }), {
    message: /for none/,
  });
  t.doesNotThrow(() => assertWorkspaceAllowed(restricted, fakeGrant({ accountId: "ws-2" })));
  t.doesNotThrow(() => assertWorkspaceAllowed(policyOf(t, ""), fakeGrant()));
});

t.test("a stored login that breaks the policy is shown with what comes of it", async (t) => {
  const stored = (authMode: string | null, more: Partial<SessionStatus> = {}) =>
    ({ authMode, accountId: "ws-1", sessionName: null, warnings: ["before"], ...more }) as SessionStatus;
  const rows: [config: string, status: SessionStatus, warning: RegExp | undefined][] = [
    ["", stored("chatgpt"), undefined],
    ['forced_login_method = "api"', stored(null), undefined],
    [
      'forced_login_method = "api"',
      stored("chatgpt"),
      /forced_login_method = "api".*`codex exec` logs it out/,
    ],
    ['forced_login_method = "api"', stored("personalAccessToken"), /forced_login_method/],
    ['forced_login_method = "api"', stored("apikey"), undefined],
    ['forced_login_method = "chatgpt"', stored("apikey"), /forced_login_method = "chatgpt"/],
    ['forced_login_method = "chatgpt"', stored("bedrockApiKey"), /forced_login_method = "chatgpt"/],
    ['forced_login_method = "chatgpt"', stored("personalAccessToken"), undefined],
    ['forced_chatgpt_workspace_id = "ws-2"', stored("chatgpt"), /= "ws-2", and this login is for ws-1/],
    ['forced_chatgpt_workspace_id = "ws-2"', stored("chatgptAuthTokens", { accountId: null }), /for none/],
    ['forced_chatgpt_workspace_id = "ws-2"', stored("apikey", { accountId: null }), undefined],
    ['forced_chatgpt_workspace_id = "ws-1"', stored("chatgpt"), undefined],
    ['cli_auth_credentials_store = "ephemeral"', stored("chatgpt"), /does not see this login/],
    ['cli_auth_credentials_store = "ephemeral"', stored("chatgpt", { sessionName: "work" }), undefined],
    ["forced_login_method = ", stored("chatgpt"), /config\.toml cannot be used/],
  ];
  for (const [config, status, warning] of rows) {
    const { warnings } = withPolicyWarnings(status, placeWith(t, config));
    t.match(warnings, warning ? ["before", warning] : ["before"], `${status.authMode} under ${config}`);
    t.equal(warnings.length, warning ? 2 : 1);
  }
});

t.test("what the administrator demands makes Codex ignore a login, not remove it", async (t) => {
  const place = placeWith(t, "", 'allowed_login_methods = ["api"]');
  const status = { authMode: "chatgpt", accountId: "ws-1", sessionName: null, warnings: [] as string[] };
  const { warnings } = withPolicyWarnings(status as SessionStatus, place);
  t.match(warnings, [
    /requirements\.toml says allowed_login_methods = \["api"\].*Codex does not use it here\.$/,
  ]);
});
