import { AuthError, fingerprint } from "@codex-authd/shared";
import t from "tap";
import { grantFacts } from "#daemon/session/grant-facts.js";
import { judgeSpentToken } from "#daemon/session/spent-token.js";
import { type SessionState, SIGNED_OUT, transition } from "#daemon/session/state.js";
import { Successors } from "#daemon/session/successors.js";
import type { Grant } from "#daemon/storage/grant-storage.js";
import { createVolatileRecord } from "#daemon/storage/session-record.js";
import { fakeGrant } from "../helpers/grants.js";

const NOW = Date.parse("2026-11-26T12:00:00Z");

const fingerprintOf = (grant: Grant): string => fingerprint(grant.refreshToken.reveal());

function holding(grant: Grant): SessionState {
  const facts = grantFacts(grant, NOW);
  return transition(SIGNED_OUT, { kind: "granted", grant, facts, flow: "device", writeFailure: null });
}

function judge(spent: Grant, state: SessionState, next?: Grant, refused: readonly Grant[] = []) {
  const successors = new Successors();
  if (next) successors.add(fingerprintOf(spent), { ...next, atMs: NOW });
  const record = createVolatileRecord("memory:test");
  for (const grant of refused) record.markSpent(fingerprintOf(grant));
  return judgeSpentToken(spent, { state, successors, record, nowMs: NOW });
}

const [spent, newer] = [fakeGrant(), fakeGrant()];

t.test("what the session holds of the same account is the newest, whatever else is known", async (t) => {
  const verdict = judge(spent, holding(newer), fakeGrant());
  t.match(verdict, { kind: "succeeded", grant: newer, flow: "device", isHeld: true });
});

t.test("what came after it is stored again, also in a session that holds another account", async (t) => {
  for (const state of [SIGNED_OUT, holding(fakeGrant({ accountId: "acct-2" }))]) {
    const verdict = judge(spent, state, newer);
    t.match(verdict, { kind: "succeeded", isHeld: false, grant: { refreshToken: newer.refreshToken } });
  }
});

t.test("without a successor, or with a refused one, its access token is served and no more", async (t) => {
  for (const verdict of [judge(spent, SIGNED_OUT), judge(spent, SIGNED_OUT, newer, [newer])]) {
    t.match(verdict, { kind: "served", event: { kind: "grantedSpent", grant: spent } });
  }
});

t.test("it does not take the place of something newer that was refused", async (t) => {
  const failure = { error: new AuthError("ERR_REFRESH_REJECTED", "Refused."), atMs: NOW };
  const refused = transition(holding(newer), { kind: "refused", failure });
  t.same(judge(spent, refused), { kind: "ignored" });
});
