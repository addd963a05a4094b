/** What a document tells of a credential that is none of ours to manage: whose it is, and until when. Never the credential. */
import { canonicalPlanType } from "@codex-authd/shared";
import { z } from "zod";
import { readJwtClaims } from "../oauth/jwt-claims.js";
import type { OtherCredential } from "./grant-storage.js";

/** What of an auth.json is looked at. */
interface StoredDocument {
  readonly tokens?: StoredTokens | null | undefined;
  readonly agent_identity?: unknown;
}

interface StoredTokens {
  readonly id_token: string;
  readonly access_token: string;
  readonly account_id?: string | null | undefined;
}

/** Upstream's record of an agent; its other form is a JWT. */
const agentRecord = z.looseObject({
  account_id: z.string().nullish(),
  email: z.string().nullish(),
  plan_type: z.string().nullish(),
});

export function otherCredential(document: StoredDocument, authMode: string): OtherCredential {
  const unknown = { authMode, accountId: null, email: null, planType: null, expiresAtMs: null };
  switch (authMode) {
    case "chatgpt":
    case "chatgptAuthTokens":
      return { ...unknown, ...ofTokens(document) };
    case "agentIdentity":
      return { ...unknown, ...ofAgent(document.agent_identity) };
    default:
      return unknown;
  }
}

/** Of external tokens upstream reads everything from the access token (codex-cli 0.169). */
function ofTokens({ tokens }: StoredDocument): Partial<OtherCredential> {
  if (!tokens) return {};
  const told = ofJwt(tokens.access_token);
  const identity = ofJwt(tokens.id_token);
  return {
    accountId: tokens.account_id ?? told.accountId,
    email: told.email ?? identity.email,
    planType: told.planType ?? identity.planType,
    expiresAtMs: told.expiresAtMs,
  };
}

function ofAgent(identity: unknown): Partial<OtherCredential> {
  if (typeof identity === "string") return ofJwt(identity);
  const record = agentRecord.safeParse(identity);
  if (!record.success) return {};
  const { account_id: accountId = null, email, plan_type: planType } = record.data;
  return { accountId, email: email || null, planType: canonicalPlanType(planType ?? undefined) };
}

function ofJwt(token: string): Omit<OtherCredential, "authMode"> {
  const { accountId = null, email = null, planType, expAtMs = null } = readJwtClaims(token) ?? {};
  return { accountId, email, planType: canonicalPlanType(planType), expiresAtMs: expAtMs };
}
