/** Our messages beside what the installed Codex says of its own: an upgrade that breaks us is seen the day it is made. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { codexBinary } from "../helpers/codex.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const folder = temporaryFolder(t);
const home = join(folder, "home");
mkdirSync(home);
execFileSync(
  codexBinary,
  ["app-server", "generate-ts", "--experimental", "--out", join(folder, "upstream")],
  {
    env: { PATH: process.env.PATH, HOME: home, CODEX_HOME: home },
    stdio: "ignore",
  },
);

/** What we send must be what Codex takes, and what Codex sends must be what we read. */
const CHECK = `
import type * as Ours from ${JSON.stringify(`${ROOT}client/dist/app-server/messages.js`)};
import type { ClientRequest } from "./upstream/ClientRequest.js";
import type { GetAuthStatusResponse } from "./upstream/GetAuthStatusResponse.js";
import type { InitializeResponse } from "./upstream/InitializeResponse.js";
import type { ServerNotification } from "./upstream/ServerNotification.js";
import type { ServerRequest } from "./upstream/ServerRequest.js";
import type { ChatgptAuthTokensRefreshResponse } from "./upstream/v2/ChatgptAuthTokensRefreshResponse.js";
import type { GetAccountResponse } from "./upstream/v2/GetAccountResponse.js";
import type { LoginAccountResponse } from "./upstream/v2/LoginAccountResponse.js";

/** Without \`readonly\`, which upstream does not write. */
type Plain<T> = { -readonly [K in keyof T]: T[K] extends object | null ? Plain<T[K]> : T[K] };
type Requests = { [R in ClientRequest as R["method"]]: R };
type Taken<M extends Ours.KnownMethod> = Requests[M] extends { params: infer P } ? P : never;
type Sent<M extends Ours.KnownMethod> = Plain<Ours.AppServerMethods[M]["params"]>;
type Read<M extends Ours.KnownMethod> = Ours.AppServerMethods[M]["result"];
declare function sent<M extends Ours.KnownMethod>(method: M): Sent<M>;
declare function from<T>(): T;

export const taken: { [M in Ours.KnownMethod]: Taken<M> } = {
  "account/login/start": sent("account/login/start"),
  "account/read": sent("account/read"),
  getAuthStatus: sent("getAuthStatus"),
  initialize: sent("initialize"),
};
export const read: { [M in Ours.KnownMethod]: Read<M> } = {
  "account/login/start": from<LoginAccountResponse>(),
  "account/read": from<GetAccountResponse>(),
  getAuthStatus: from<GetAuthStatusResponse>(),
  initialize: from<InitializeResponse>(),
};
type Asked = Extract<ServerRequest, { method: typeof Ours.REFRESH_TOKENS }>;
type Completed = Extract<ServerNotification, { method: typeof Ours.LOGIN_COMPLETED }>;
export const asked: Ours.RefreshTokensParams = from<Asked["params"]>();
export const answered: ChatgptAuthTokensRefreshResponse = from<Plain<Ours.ExternalTokens>>();
export const completed: Ours.LoginCompleted = from<Completed["params"]>();
export const logout: typeof Ours.LOGOUT = from<Requests["account/logout"]["method"]>();
`;

/** What the compiler says of a check; empty when it agrees. */
function complaints(check: string): string {
  writeFileSync(join(folder, "check.mts"), check);
  const options = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "nodenext",
    "--types",
    "",
    "check.mts",
  ];
  // tap's own hooks in NODE_OPTIONS are more than the compiler's launcher bears.
  const compiler = ["-u", "NODE_OPTIONS", join(ROOT, "node_modules/.bin/tsc")];
  const { status, stdout, stderr } = spawnSync("env", [...compiler, ...options], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0 && stdout === "") throw new Error(stderr);
  return stdout;
}

t.test("the messages that we speak are those of the installed Codex", async (t) => {
  t.equal(complaints(CHECK), "");
});

t.test("and each kind of difference would be seen", async (t) => {
  const differences = {
    "a parameter that Codex does not know by this type": CHECK.replace(
      'sent("getAuthStatus")',
      "{ includeToken: 1 }",
    ),
    "a result without a field that we read": CHECK.replace(
      "from<InitializeResponse>()",
      'from<Omit<InitializeResponse, "codexHome">>()',
    ),
    "an answer without a field that Codex reads": CHECK.replace(
      "from<Plain<Ours.ExternalTokens>>()",
      'from<Omit<Ours.ExternalTokens, "chatgptAccountId">>()',
    ),
    "a method of another name": CHECK.replace('"account/logout"', '"account/signOut"'),
  };
  for (const [difference, check] of Object.entries(differences)) {
    t.not(check, CHECK);
    t.match(complaints(check), /error TS/, difference);
  }
});
