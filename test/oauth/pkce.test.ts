import { createHash } from "node:crypto";
import t from "tap";
import { createPkce, createState } from "#daemon/oauth/pkce.js";

t.test("a verifier has 86 characters of RFC 7636 §4.1, and does not print itself", async (t) => {
  const { codeVerifier } = createPkce();
  t.match(codeVerifier.reveal(), /^[A-Za-z0-9_-]{86}$/);
  t.equal(`${codeVerifier}`, "[redacted]");
});

t.test("a challenge is the S256 of its verifier", async (t) => {
  const { codeVerifier, codeChallenge } = createPkce();
  t.equal(codeChallenge, createHash("sha256").update(codeVerifier.reveal()).digest("base64url"));
});

t.test("a state has 256 bits in 43 characters", async (t) => {
  t.match(createState(), /^[A-Za-z0-9_-]{43}$/);
});

t.test("no two are alike", async (t) => {
  t.not(createPkce().codeVerifier.reveal(), createPkce().codeVerifier.reveal());
  t.not(createState(), createState());
});
