import { AuthError } from "@codex-authd/shared";
import t from "tap";
import { adoptionOf, contentKey } from "#daemon/session/adoption.js";
import { grantFacts } from "#daemon/session/grant-facts.js";
import { type SessionState, SIGNED_OUT, transition } from "#daemon/session/state.js";
import type { StoredCredential } from "#daemon/storage/grant-storage.js";
import { API_KEY, fakeGrant } from "../helpers/grants.js";

const grant = fakeGrant();
const facts = grantFacts(grant, 0);
const failure = { error: new AuthError("ERR_REFRESH_REJECTED", "over"), atMs: 1 };
const active = transition(SIGNED_OUT, { kind: "granted", grant, facts, flow: null, writeFailure: null });
const unsaved = transition(SIGNED_OUT, { kind: "granted", grant, facts, flow: null, writeFailure: failure });
const refused = transition(active, { kind: "refused", failure });
const apikey = transition(SIGNED_OUT, { kind: "replacedByOther", other: API_KEY });
const nothingSpent = (): boolean => false;
const everythingSpent = (): boolean => true;
const look = (
  state: SessionState,
  found: StoredCredential,
  isSpent: (fingerprint: string) => boolean,
  overwritten: string | null = null,
): string => adoptionOf(state, { stored: found, overwritten, isSpent });
const stored = (value = grant): StoredCredential => ({ kind: "managed", grant: value });

t.test("the same tokens are no change", async (t) => {
  t.equal(look(active, stored(), nothingSpent), "unchanged");
  t.equal(look(SIGNED_OUT, { kind: "absent" }, nothingSpent), "unchanged");
  t.equal(look(apikey, { kind: "other", ...API_KEY }, nothingSpent), "unchanged");
});

t.test("other tokens are adopted, whoever's they are", async (t) => {
  t.equal(look(active, stored(fakeGrant()), nothingSpent), "adopt");
  t.equal(look(active, stored(fakeGrant({ accountId: "acct-2" })), nothingSpent), "adopt");
  t.equal(look(SIGNED_OUT, stored(), nothingSpent), "adopt");
  t.equal(look(refused, stored(fakeGrant()), nothingSpent), "adopt");
  t.equal(look(unsaved, stored(fakeGrant()), nothingSpent), "adopt");
});

t.test("a spent refresh token is not believed", async (t) => {
  t.equal(look(active, stored(fakeGrant()), everythingSpent), "putBack");
  t.equal(look(refused, stored(fakeGrant()), everythingSpent), "putBack");
});

t.test("a spent token is not believed, whoever's it is", async (t) => {
  t.equal(look(active, stored(fakeGrant({ accountId: "acct-2" })), everythingSpent), "putBack");
});

t.test("a missing file signs out", async (t) => {
  for (const state of [active, refused, apikey])
    t.equal(look(state, { kind: "absent" }, nothingSpent), "remove");
});

t.test("what our own pending write will replace is no news; anything else is", async (t) => {
  const before: StoredCredential = { kind: "other", ...API_KEY };
  t.equal(look(unsaved, before, nothingSpent, contentKey(before)), "unchanged");
  t.equal(look(unsaved, { kind: "absent" }, nothingSpent, "absent"), "unchanged");
  t.equal(look(unsaved, { kind: "absent" }, nothingSpent, contentKey(before)), "remove");
  t.equal(look(unsaved, stored(fakeGrant()), nothingSpent, contentKey(before)), "adopt");
});

t.test("another issuer, OAuth client or account beside the same tokens is a change", async (t) => {
  for (const change of [
    { issuer: "http://127.0.0.1:8" },
    { clientId: "app_other" },
    { accountId: "acct-9" },
  ]) {
    t.equal(look(active, stored({ ...grant, ...change }), nothingSpent), "adopt", JSON.stringify(change));
  }
});

t.test("another kind of credential replaces the login", async (t) => {
  t.equal(look(active, { kind: "other", ...API_KEY }, nothingSpent), "replace");
});
