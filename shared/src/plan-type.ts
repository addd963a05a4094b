/** Plan names as upstream prints them (codex-cli 0.169, `PlanType`). */
export const PLAN_TYPES = [
  "free",
  "go",
  "plus",
  "pro",
  "prolite",
  "promax",
  "team",
  "self_serve_business_prolite",
  "self_serve_business_usage_based",
  "business",
  "ent26",
  "enterprise_cbp_automation",
  "enterprise_cbp_usage_based",
  "enterprise",
  "edu",
  "edu_plus",
  "edu_pro",
  "sci",
  "sci_plus",
  "unknown",
] as const;

export type PlanType = (typeof PLAN_TYPES)[number];

const ALIASES: ReadonlyMap<string, PlanType> = new Map([
  ["hc", "enterprise"],
  ["education", "edu"],
]);

/**
 * The canonical name of a `chatgpt_plan_type` claim. The match is case-sensitive, as upstream's is for a JWT
 * (codex-cli 0.169): `Pro` is `unknown`. An absent claim is `null`.
 */
export function canonicalPlanType(claim: string | undefined): PlanType | null {
  if (claim === undefined) return null;
  return ALIASES.get(claim) ?? PLAN_TYPES.find((name) => name === claim) ?? "unknown";
}
