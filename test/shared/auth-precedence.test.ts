import {
  AUTH_MODES,
  CHILD_KINDS,
  type CredentialFacts,
  chooseCredential,
  SECRET_VARIABLES,
  type StoredFacts,
} from "@codex-authd/shared";
import t from "tap";

const FILE = "/home/me/.codex/auth.json";

function stored(mode: StoredFacts["mode"], more: Partial<StoredFacts> = {}): StoredFacts {
  const holdings = { hasApiKey: mode === "apikey", hasTokens: mode !== "apikey", hasLastRefresh: true };
  return { place: FILE, mode, ...holdings, isWorkspaceAllowed: true, ...more };
}

function choose(facts: Partial<CredentialFacts>) {
  return chooseCredential({
    kind: "exec",
    present: [],
    hasExternalTokens: false,
    store: undefined,
    ...facts,
  });
}

/** Who is used by `codex exec`, and by an app-server; `undefined`: nobody. */
type Row = readonly [
  name: string,
  facts: Partial<CredentialFacts>,
  exec: string | undefined,
  appServer: string | undefined,
];

const CHATGPT = stored("chatgpt");
const EXTERNAL = { hasExternalTokens: true } as const;

const ROWS: readonly Row[] = [
  ["nothing", {}, undefined, undefined],
  ["a login alone", { store: CHATGPT }, FILE, FILE],
  ["CODEX_API_KEY", { store: CHATGPT, present: ["CODEX_API_KEY"] }, "CODEX_API_KEY", FILE],
  [
    "CODEX_ACCESS_TOKEN",
    { store: CHATGPT, present: ["CODEX_ACCESS_TOKEN"] },
    "CODEX_ACCESS_TOKEN",
    "CODEX_ACCESS_TOKEN",
  ],
  ["both", { present: ["CODEX_ACCESS_TOKEN", "CODEX_API_KEY"] }, "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"],
  ["OPENAI_API_KEY alone", { present: ["OPENAI_API_KEY"] }, undefined, undefined],
  ["OPENAI_API_KEY beside a login", { store: CHATGPT, present: ["OPENAI_API_KEY"] }, FILE, FILE],
  [
    "a workload's identity before everything",
    { store: CHATGPT, present: [...SECRET_VARIABLES], ...EXTERNAL },
    "OPENAI_FEDERATION_RULE_ID and OPENAI_IDENTITY_TOKEN_FILE",
    "OPENAI_FEDERATION_RULE_ID and OPENAI_IDENTITY_TOKEN_FILE",
  ],
  [
    "half of one",
    { store: CHATGPT, present: ["OPENAI_FEDERATION_RULE_ID", "CODEX_API_KEY"] },
    undefined,
    undefined,
  ],
  ["a memory login", { store: CHATGPT, ...EXTERNAL }, FILE, "the daemon's memory"],
  [
    "a memory login and a token",
    { present: ["CODEX_ACCESS_TOKEN"], ...EXTERNAL },
    "CODEX_ACCESS_TOKEN",
    "the daemon's memory",
  ],
  ["a stale key in the file", { store: stored("chatgpt", { hasApiKey: true }) }, FILE, FILE],
  [
    "a file with a key and tokens that counts as a key",
    { store: stored("apikey", { hasTokens: true }) },
    FILE,
    FILE,
  ],
  ["a key that is not there", { store: stored("apikey", { hasApiKey: false }) }, undefined, undefined],
  ["a login without tokens", { store: stored("chatgpt", { hasTokens: false }) }, undefined, undefined],
  [
    "tokens without last_refresh",
    { store: stored("chatgptAuthTokens", { hasLastRefresh: false }) },
    undefined,
    undefined,
  ],
  ["headers in a file", { store: stored("headers") }, undefined, undefined],
  [
    "an API key where ChatGPT is forced",
    { store: stored("apikey"), loginMethod: "chatgpt" },
    undefined,
    undefined,
  ],
  ["ChatGPT where API keys are forced", { store: CHATGPT, loginMethod: "api" }, undefined, undefined],
  [
    "CODEX_API_KEY where ChatGPT is forced",
    { store: CHATGPT, present: ["CODEX_API_KEY"], loginMethod: "chatgpt" },
    undefined,
    FILE,
  ],
  [
    "a token where API keys are forced",
    { store: stored("apikey"), present: ["CODEX_ACCESS_TOKEN"], loginMethod: "api" },
    undefined,
    FILE,
  ],
  [
    "a token where ChatGPT is forced",
    { present: ["CODEX_ACCESS_TOKEN"], loginMethod: "chatgpt" },
    "CODEX_ACCESS_TOKEN",
    "CODEX_ACCESS_TOKEN",
  ],
  ["another workspace", { store: stored("chatgpt", { isWorkspaceAllowed: false }) }, undefined, undefined],
  [
    "an API key, for which there is no workspace",
    { store: stored("apikey", { isWorkspaceAllowed: false }) },
    FILE,
    FILE,
  ],
];

for (const [name, facts, exec, appServer] of ROWS) {
  t.test(name, async (t) => {
    t.equal(choose({ ...facts, kind: "exec" }).used?.source, exec, "codex exec");
    t.equal(choose({ ...facts, kind: "app-server" }).used?.source, appServer, "codex app-server");
  });
}

t.test("what is not used is told, each with its reason", async (t) => {
  const store = stored("chatgpt", { hasApiKey: true });
  const present = ["CODEX_ACCESS_TOKEN", "CODEX_API_KEY", "OPENAI_API_KEY"] as const;
  t.same(choose({ store, present, kind: "app-server", accessTokenKind: "personalAccessToken" }), {
    used: { mode: "personalAccessToken", source: "CODEX_ACCESS_TOKEN" },
    reason: "it comes before what is stored, also when it turns out to be bad; it begins with at-",
    others: [
      { mode: "apikey", source: "CODEX_API_KEY", reason: "an app-server does not look at it" },
      { mode: "chatgpt", source: FILE, reason: "CODEX_ACCESS_TOKEN comes first" },
      {
        mode: "apikey",
        source: `OPENAI_API_KEY in ${FILE}`,
        reason: "what is stored counts as a login of mode chatgpt",
      },
      {
        mode: "apikey",
        source: "OPENAI_API_KEY of the environment",
        reason: "Codex does not log in with it",
      },
    ],
  });
});

t.test("what fails is the reason, and nothing after it is used", async (t) => {
  const store = stored("chatgpt");
  t.same(choose({ store, present: ["OPENAI_IDENTITY_TOKEN_FILE"] }), {
    used: null,
    reason:
      "OPENAI_IDENTITY_TOKEN_FILE: it is set without OPENAI_FEDERATION_RULE_ID, and Codex ends over that",
    others: [{ mode: "chatgpt", source: FILE, reason: "OPENAI_IDENTITY_TOKEN_FILE comes first" }],
  });
  t.equal(choose({}).reason, "there is no credential that this child looks at");
});

t.test("every stored mode has a verdict in every child", async (t) => {
  for (const mode of AUTH_MODES) {
    for (const kind of CHILD_KINDS) {
      const { used, reason } = choose({ kind, store: stored(mode) });
      t.match({ mode: used?.mode ?? "headers", reason }, { mode, reason: /\w/ });
    }
  }
});
