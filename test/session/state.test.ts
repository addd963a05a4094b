import { AuthError } from "@codex-authd/shared";
import t from "tap";
import { grantFacts } from "#daemon/session/grant-facts.js";
import {
  identityOf,
  type SessionEvent,
  type SessionState,
  SIGNED_OUT,
  transition,
} from "#daemon/session/state.js";
import { API_KEY, fakeGrant } from "../helpers/grants.js";

const grant = fakeGrant();
const facts = grantFacts(grant, 0);
const failure = { error: new AuthError("ERR_ISSUER_UNAVAILABLE", "not now"), atMs: 1 };
const granted: SessionEvent = { kind: "granted", grant, facts, flow: "browser", writeFailure: null };
const active = transition(SIGNED_OUT, granted);
const after = (state: SessionState, ...events: SessionEvent[]): SessionState =>
  events.reduce(transition, state);

t.test("signed out: only a login, another credential or a bad file mean something", async (t) => {
  t.equal(after(SIGNED_OUT, { kind: "deferred", failure, retryAtMs: 9 }), SIGNED_OUT);
  t.equal(after(SIGNED_OUT, { kind: "refused", failure }), SIGNED_OUT);
  t.equal(after(SIGNED_OUT, { kind: "stored" }), SIGNED_OUT);
  t.match(active, { kind: "active", flow: "browser", failures: 0, isUnsaved: false });
  t.match(after(SIGNED_OUT, { kind: "replacedByOther", other: API_KEY }), {
    kind: "signedOut",
    reason: "otherCredential",
    other: { authMode: "apikey" },
  });
  t.match(after(SIGNED_OUT, { kind: "unreadable", failure }), { reason: "unreadable", failure });
});

t.test("active: a file that cannot be read is never a logout", async (t) => {
  t.equal(after(active, { kind: "unreadable", failure }), active);
});

t.test("active: failures count up, and a new grant forgets them", async (t) => {
  const twice = after(
    active,
    { kind: "deferred", failure, retryAtMs: 5 },
    { kind: "deferred", failure, retryAtMs: 9 },
  );
  t.match(twice, { kind: "active", failures: 2, retryAtMs: 9, grant });
  t.match(after(twice, granted), { failures: 0, failure: null, retryAtMs: null });
});

t.test("active: unsaved until stored", async (t) => {
  const unsaved = after(SIGNED_OUT, { ...granted, writeFailure: failure });
  t.match(unsaved, { kind: "active", isUnsaved: true, failure });
  t.match(after(unsaved, { kind: "stored" }), { isUnsaved: false, failure: null });
  t.equal(after(active, { kind: "stored" }), active);
});

t.test("refused: the access token may be served on, and nothing is refreshed any more", async (t) => {
  const refused = after(active, { kind: "refused", failure });
  t.match(refused, { kind: "reauthorizationRequired", failure, grant });
  t.same(identityOf(refused), { accountId: "acct-1", email: "me@example.com" });
  t.equal(after(refused, { kind: "deferred", failure, retryAtMs: 9 }), refused);
  t.match(after(refused, granted), { kind: "active" });
  t.match(after(refused, { kind: "removed", reason: "loggedOut" }), {
    kind: "signedOut",
    reason: "loggedOut",
  });
});

t.test("signed out, there is no grant left", async (t) => {
  const events: SessionEvent[] = [
    { kind: "removed", reason: "fileGone" },
    { kind: "replacedByOther", other: API_KEY },
  ];
  for (const event of events) t.notOk("grant" in after(active, event), event.kind);
});
