/** One person with one e-mail in two workspaces: a login is told by its account, never by its e-mail. */
import t, { type Test } from "tap";
import { createTestUser, startAuthorizationServer } from "../helpers/authorization-server.js";
import { readAuthJson, writeLogin } from "../helpers/logins.js";
import { createSessionHarness } from "../helpers/session-harness.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const EMAIL = "me@example.com";

async function setUp(t: Test) {
  const own = createTestUser({ email: EMAIL, accountId: "acct-own" });
  const company = createTestUser({ email: EMAIL, accountId: "acct-company" });
  const issuer = await startAuthorizationServer(t, { users: [own, company] });
  return { own, company, issuer, ...createSessionHarness(t, issuer) };
}

t.test("in two Codex homes they are two sessions, and each keeps its own tokens", async (t) => {
  const { own, company, issuer, home, login, open } = await setUp(t);
  const companyHome = temporaryFolder(t);
  login(own);
  writeLogin(companyHome, issuer, company);
  const sessions = [await open(), await open(companyHome)];
  await Promise.all(sessions.map((session) => session.refresh()));
  t.match(
    sessions.map((session) => session.status()),
    [
      { email: EMAIL, accountId: "acct-own" },
      { email: EMAIL, accountId: "acct-company" },
    ],
  );
  const stored = [home, companyHome].map((folder) => readAuthJson(folder).tokens);
  t.match(stored, [{ account_id: "acct-own" }, { account_id: "acct-company" }]);
  t.same(
    stored.map((tokens) => tokens.refresh_token),
    issuer.families.map((family) => family.refreshTokens.at(-1)?.value),
  );
  t.equal(issuer.reuses, 0);
});

t.test(
  "in one Codex home the other workspace takes the place, and nobody gets its token unasked",
  async (t) => {
    const { own, company, login, open, changes } = await setUp(t);
    login(own);
    const session = await open();
    login(company);
    t.match(await session.freshStatus(), { email: EMAIL, accountId: "acct-company" });
    t.match(changes.at(-1), { previousAccount: { accountId: "acct-own", email: EMAIL } });
    await t.rejects(session.getToken({ accountId: "acct-own" }), { code: "ERR_ACCOUNT_MISMATCH" });
    t.match(await session.getToken({ accountId: "acct-company" }), { accountId: "acct-company" });
  },
);
