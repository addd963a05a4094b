import { canonicalPlanType, PLAN_TYPES } from "@codex-authd/shared";
import t from "tap";

t.test("a plan that nobody knows is unknown", async (t) => {
  for (const claim of ["", " pro", "pro ", "platinum", "hc2", "unknown"]) {
    t.equal(canonicalPlanType(claim), "unknown", `"${claim}"`);
  }
});

t.test("a name that every object has is no plan", async (t) => {
  for (const claim of ["constructor", "toString", "hasOwnProperty", "__proto__"]) {
    t.equal(canonicalPlanType(claim), "unknown", claim);
  }
});

t.test("case counts, as for upstream", async (t) => {
  for (const claim of ["Pro", "PLUS", "Hc", "Education"]) t.equal(canonicalPlanType(claim), "unknown", claim);
});

t.test("no claim is no plan", async (t) => {
  t.equal(canonicalPlanType(undefined), null);
});

t.test("a canonical name stays", async (t) => {
  for (const name of PLAN_TYPES) t.equal(canonicalPlanType(name), name);
});

t.test("aliases become the name that upstream prints", async (t) => {
  t.equal(canonicalPlanType("hc"), "enterprise");
  t.equal(canonicalPlanType("education"), "edu");
});

t.test("each name is listed once, unknown last", async (t) => {
  t.equal(new Set(PLAN_TYPES).size, PLAN_TYPES.length);
  t.equal(PLAN_TYPES.at(-1), "unknown");
});
