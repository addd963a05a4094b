import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { readAuthJson } from "../helpers/logins.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { createSessionHarness } from "../helpers/session-harness.js";

t.test(
  "a refresh that a crash cut off is known at the next start, and its token is not presented at once",
  async (t) => {
    const issuer = await startAuthorizationServer(t);
    const before = createSessionHarness(t, issuer);
    before.login();
    const session = await before.open();
    const hold = issuer.hold("refresh", { afterCommit: true });
    const refresh = session.refresh();
    refresh.catch(() => {});
    await hold.arrived;
    const after = before.restartedBeside();
    await before.abandon();
    const restarted = await after.open();
    const { lastError, nextRefreshAtMs, expiresAtMs, state } = restarted.status();
    t.equal(state, "active");
    t.match(lastError, { message: /ended in the middle of a refresh/ });
    t.equal(nextRefreshAtMs, (expiresAtMs ?? 0) - 300_000);
    t.match(await restarted.getToken({}), { accessToken: readAuthJson(before.home).tokens.access_token });
    t.equal(issuer.reuses, 0);
    hold.release({ kind: "reset" });
  },
);

t.test(
  "two daemons on one file: the second serves and rotates nothing, and takes over when the first ends",
  async (t) => {
    const clock = createManualClock(Date.now());
    const issuer = await startAuthorizationServer(t);
    const first = createSessionHarness(t, issuer, { clock });
    first.login();
    const owner = await first.open();
    const second = first.restartedBeside();
    const reader = await second.open();
    await t.rejects(reader.refresh(), { code: "ERR_NOT_MANAGED", message: /another codex-authd refreshes/ });
    t.match(reader.status(), { state: "active", nextRefreshAtMs: null, warnings: [/another codex-authd/] });
    await owner.refresh();
    t.match(await reader.freshStatus(), { state: "active" });
    t.same(await reader.getToken({}), { ...(await owner.getToken({})), generation: reader.generation });
    await first.abandon();
    await clock.advance(1_100);
    t.match(reader.status().nextRefreshAtMs, Number);
    t.equal(issuer.reuses, 0);
  },
);

t.test("memory sessions live side by side, and leave nothing on disk", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const { sessions, home } = createSessionHarness(t, issuer);
  const work = await sessions.open({ storage: "memory", sessionName: "work" });
  const personal = await sessions.open({ storage: "memory", sessionName: "personal" });
  t.not(work, personal);
  t.equal(await sessions.open({ storage: "memory", sessionName: "work" }), work);
  t.match(work.status(), { storage: "memory", sessionName: "work", state: "signedOut" });
  t.throws(() => readAuthJson(home), { code: "ENOENT" });
});
