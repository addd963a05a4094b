import { AuthError } from "@codex-authd/shared";
import t from "tap";
import { adoptionOf } from "#daemon/session/adoption.js";
import { grantFacts } from "#daemon/session/grant-facts.js";
import { SIGNED_OUT, transition } from "#daemon/session/state.js";
import type { StoredCredential } from "#daemon/storage/grant-storage.js";
import { fakeGrant } from "../helpers/grants.js";

const grant = fakeGrant();
const facts = grantFacts(grant, 0);
const failure = { error: new AuthError("ERR_REFRESH_REJECTED", "over"), atMs: 1 };
const active = transition(SIGNED_OUT, { kind: "granted", grant, facts, flow: null, isUnsaved: false });
const unsaved = transition(active, { kind: "unsaved", failure });
const refused = transition(active, { kind: "refused", failure });
const apikey = transition(SIGNED_OUT, { kind: "replacedByOther", authMode: "apikey", accountId: null });
const nothingSpent = (): boolean => false;
const everythingSpent = (): boolean => true;
const stored = (value = grant): StoredCredential => ({ kind: "managed", grant: value });

t.test("the same tokens are no change", async (t) => {
  t.equal(adoptionOf(active, stored(), nothingSpent), "unchanged");
  t.equal(adoptionOf(SIGNED_OUT, { kind: "absent" }, nothingSpent), "unchanged");
  t.equal(
    adoptionOf(apikey, { kind: "other", authMode: "apikey", accountId: null }, nothingSpent),
    "unchanged",
  );
});

t.test("other tokens are adopted, whoever's they are", async (t) => {
  t.equal(adoptionOf(active, stored(fakeGrant()), nothingSpent), "adopt");
  t.equal(adoptionOf(active, stored(fakeGrant({ accountId: "acct-2" })), nothingSpent), "adopt");
  t.equal(adoptionOf(SIGNED_OUT, stored(), nothingSpent), "adopt");
  t.equal(adoptionOf(refused, stored(fakeGrant()), nothingSpent), "adopt");
  t.equal(adoptionOf(unsaved, stored(fakeGrant()), nothingSpent), "adopt");
});

t.test("a spent refresh token is not believed", async (t) => {
  t.equal(adoptionOf(active, stored(fakeGrant()), everythingSpent), "putBack");
  t.equal(adoptionOf(refused, stored(), everythingSpent), "putBack");
});

t.test("a spent token of another account is adopted: the file wins", async (t) => {
  t.equal(adoptionOf(active, stored(fakeGrant({ accountId: "acct-2" })), everythingSpent), "adopt");
});

t.test("a missing file signs out, but not while the first write is pending", async (t) => {
  t.equal(adoptionOf(active, { kind: "absent" }, nothingSpent), "remove");
  t.equal(adoptionOf(refused, { kind: "absent" }, nothingSpent), "remove");
  t.equal(adoptionOf(apikey, { kind: "absent" }, nothingSpent), "remove");
  t.equal(adoptionOf(unsaved, { kind: "absent" }, nothingSpent), "unchanged");
});

t.test("another kind of credential replaces the login", async (t) => {
  t.equal(
    adoptionOf(active, { kind: "other", authMode: "apikey", accountId: null }, nothingSpent),
    "replace",
  );
});
