import t from "tap";
import type { CodexConfig } from "#daemon/codex/codex-config.js";
import { assertLoginAllowed, assertWorkspaceAllowed } from "#daemon/session/login-policy.js";
import { fakeGrant } from "../helpers/grants.js";

const anything: CodexConfig = {
  credentialsStore: "file",
  forcedLoginMethod: undefined,
  allowedWorkspaceIds: undefined,
};
const codexHome = "/home/me/.codex";

t.test("a login that Codex would throw away or never see is refused before it begins", async (t) => {
  t.throws(() => assertLoginAllowed({ ...anything, forcedLoginMethod: "api" }, { codexHome }), {
    code: "ERR_CONFIG_INVALID",
    message: /forced_login_method = "api".*codex login --with-api-key/,
  });
  const ephemeral: CodexConfig = { ...anything, credentialsStore: "ephemeral" };
  t.throws(() => assertLoginAllowed(ephemeral, { codexHome }), { message: /"ephemeral".*--memory/ });
  t.doesNotThrow(() => assertLoginAllowed(ephemeral, { codexHome, storage: "memory" }));
});

t.test("any other is allowed", async (t) => {
  for (const credentialsStore of ["file", "keyring", "auto"] as const) {
    t.doesNotThrow(() => assertLoginAllowed({ ...anything, credentialsStore }, { codexHome }));
  }
  t.doesNotThrow(() => assertLoginAllowed({ ...anything, forcedLoginMethod: "chatgpt" }, { codexHome }));
});

t.test("a login for another workspace is refused before it is stored", async (t) => {
  const restricted: CodexConfig = { ...anything, allowedWorkspaceIds: ["ws-1", "ws-2"] };
  t.throws(() => assertWorkspaceAllowed(restricted, fakeGrant({ accountId: "ws-3" })), {
    code: "ERR_WORKSPACE_NOT_ALLOWED",
    message: /restricted to workspace id\(s\) ws-1, ws-2, but this one is for ws-3.*Nothing was stored/,
  });
  t.throws(() => assertWorkspaceAllowed(restricted, { ...fakeGrant(), accountId: null }), {
    message: /for none/,
  });
  t.doesNotThrow(() => assertWorkspaceAllowed(restricted, fakeGrant({ accountId: "ws-2" })));
  t.doesNotThrow(() => assertWorkspaceAllowed(anything, fakeGrant()));
});
