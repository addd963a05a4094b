/** Which credential the real Codex uses, beside what `session/explain` of our daemon says about the same files and variables. */
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CHILD_KINDS, type ChildKind, childEnvironmentFrom } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { startAppServer } from "../helpers/app-server.js";
import { type CodexHome, codexEnvironment, runCodex } from "../helpers/codex.js";
import { fakeJwt } from "../helpers/grants.js";
import { createScene, type Scene } from "../helpers/real-codex-scene.js";

const ACCOUNT_ID = "acct-1";
const JWT = fakeJwt({
  exp: Math.floor(Date.now() / 1000) + 7200,
  email: "me@example.com",
  "https://api.openai.com/auth": {
    chatgpt_account_id: ACCOUNT_ID,
    chatgpt_plan_type: "pro",
    chatgpt_user_id: "user-1",
  },
});
const TOKENS = { id_token: JWT, access_token: JWT, refresh_token: "rt-1", account_id: ACCOUNT_ID };
const LAST_REFRESH = new Date().toISOString();
const STORED_KEY = "sk-stored-1234567890";
const STORED_PAT = "at-stored";

const CHATGPT = { auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens: TOKENS, last_refresh: LAST_REFRESH };
const API_KEY = { auth_mode: "apikey", OPENAI_API_KEY: STORED_KEY };
const { auth_mode: _, ...WITHOUT_MODE } = CHATGPT;
const EXTERNAL = { ...CHATGPT, auth_mode: "chatgptAuthTokens", tokens: { ...TOKENS, refresh_token: "" } };

interface Case {
  /** `null`: nothing is stored. */
  readonly document: object | null;
  readonly env?: NodeJS.ProcessEnv;
  readonly config?: string;
  /** Default: both. */
  readonly kinds?: readonly ChildKind[];
}

const APP_SERVER = ["app-server"] as const;
const API_FORCED = 'forced_login_method = "api"';
const CHATGPT_FORCED = 'forced_login_method = "chatgpt"';

const CASES: Readonly<Record<string, Case>> = {
  "nothing, and OPENAI_API_KEY": { document: null, env: { OPENAI_API_KEY: "sk-openai" } },
  "a ChatGPT login, and OPENAI_API_KEY": { document: CHATGPT, env: { OPENAI_API_KEY: "sk-openai" } },
  "a stale key beside a ChatGPT login": { document: { ...CHATGPT, OPENAI_API_KEY: STORED_KEY } },
  "no mode, key and tokens": { document: { ...WITHOUT_MODE, OPENAI_API_KEY: STORED_KEY } },
  "no mode, tokens": { document: WITHOUT_MODE, kinds: APP_SERVER },
  "no mode, a personal access token and a key": {
    document: { OPENAI_API_KEY: STORED_KEY, personal_access_token: STORED_PAT },
  },
  "an API key": { document: API_KEY, kinds: APP_SERVER },
  "an API-key login without a key": {
    document: { auth_mode: "apikey", OPENAI_API_KEY: null },
    kinds: APP_SERVER,
  },
  "external tokens": { document: EXTERNAL },
  "external tokens without last_refresh": { document: { ...EXTERNAL, last_refresh: undefined } },
  "a mode that no store has": { document: { auth_mode: "headers", OPENAI_API_KEY: null }, kinds: APP_SERVER },
  CODEX_API_KEY: { document: CHATGPT, env: { CODEX_API_KEY: "sk-env" } },
  "CODEX_API_KEY of blanks": { document: CHATGPT, env: { CODEX_API_KEY: "  " }, kinds: ["exec"] },
  "CODEX_ACCESS_TOKEN, and CODEX_API_KEY": {
    document: CHATGPT,
    env: { CODEX_ACCESS_TOKEN: "at-env", CODEX_API_KEY: "sk-env" },
  },
  CODEX_ACCESS_TOKEN: { document: API_KEY, env: { CODEX_ACCESS_TOKEN: "at-env" } },
  "half of a workload's identity": { document: CHATGPT, env: { OPENAI_FEDERATION_RULE_ID: "" } },
  "a workload's identity before a key": {
    document: CHATGPT,
    env: { OPENAI_IDENTITY_TOKEN_FILE: "/x", CODEX_API_KEY: "sk-env" },
  },
  "ChatGPT where keys are forced": { document: CHATGPT, config: API_FORCED },
  "a token where keys are forced": {
    document: API_KEY,
    env: { CODEX_ACCESS_TOKEN: "at-env" },
    config: API_FORCED,
  },
  "CODEX_API_KEY where ChatGPT is forced": {
    document: CHATGPT,
    env: { CODEX_API_KEY: "sk-env" },
    config: CHATGPT_FORCED,
  },
  "another workspace": { document: CHATGPT, config: 'forced_chatgpt_workspace_id = "ws-1"' },
};

/** The bearer token that each source stands for. */
function bearerOf(used: { mode: string; source: string } | null): string | null {
  if (!used) return null;
  const stored = { apikey: STORED_KEY, personalAccessToken: STORED_PAT }[used.mode] ?? JWT;
  return { CODEX_API_KEY: "sk-env", CODEX_ACCESS_TOKEN: "at-env" }[used.source] ?? stored;
}

/** Knows every personal access token. */
async function startWhoami(t: Test): Promise<string> {
  const answer = {
    email: "pat@example.com",
    chatgpt_user_id: "user-1",
    chatgpt_account_id: ACCOUNT_ID,
    chatgpt_plan_type: "pro",
    chatgpt_account_is_fedramp: false,
  };
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** How the app-server is logged in; `null` when it is not, or ends at once. */
async function modeOfAppServer(codex: CodexHome, env: NodeJS.ProcessEnv): Promise<string | null> {
  const appServer = startAppServer({ home: codex, env });
  try {
    const initialized = await appServer.initialize().catch(() => null);
    return initialized && (await appServer.getAuthStatus()).authMethod;
  } finally {
    await appServer.close();
  }
}

const NO_RETRIES = ["stream_max_retries", "request_max_retries"].flatMap((key) => [
  "-c",
  `model_providers.loopback.${key}=0`,
]);

/** The bearer token with which `codex exec` calls the model; `null` without one, or when it does not get there. */
async function bearerOfExec({ backend, codex }: Scene, env: NodeJS.ProcessEnv): Promise<string | null> {
  const before = backend.requestsTo("responses").length;
  await runCodex(["exec", "--skip-git-repo-check", ...NO_RETRIES, "hello"], { home: codex, env });
  return backend.requestsTo("responses")[before]?.accessToken ?? null;
}

const scene = await createScene(t);
const { codex } = scene;
const whoami = await startWhoami(t);
const daemon = await scene.startDaemon();
const client = daemon.client();
const configFile = join(codex.path, "config.toml");
const baseConfig = readFileSync(configFile, "utf8");

for (const [name, { document, env: variables = {}, config = "", kinds = CHILD_KINDS }] of Object.entries(
  CASES,
)) {
  for (const kind of kinds) {
    t.test(`${name}: ${kind}`, async (t) => {
      writeFileSync(configFile, `${config}\n${baseConfig}`);
      if (document) writeFileSync(codex.authFile, JSON.stringify(document), { mode: 0o600 });
      else rmSync(codex.authFile, { force: true });
      const env = { CODEX_AUTHAPI_BASE_URL: whoami, ...variables };
      const childEnvironment = childEnvironmentFrom({ ...codexEnvironment(codex), ...env }, codex.path);
      const { used } = await client.explainCredential({ childEnvironment, for: kind });
      if (kind === "app-server") t.equal(await modeOfAppServer(codex, env), used?.mode ?? null);
      else t.equal(await bearerOfExec(scene, env), bearerOf(used));
    });
  }
}
