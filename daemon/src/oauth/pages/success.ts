import type { PlanType } from "@codex-authd/shared";
import { type LoopbackPage, renderPage } from "./layout.js";

export interface SuccessPageOptions {
  readonly email: string | null;
  readonly planType: PlanType | null;
}

/** Shown when the new login is stored. */
export function successPage({ email, planType }: SuccessPageOptions): LoopbackPage {
  const facts: [string, string][] = [];
  if (email !== null) facts.push(["Account", email]);
  if (planType !== null && planType !== "unknown") facts.push(["Plan", planName(planType)]);
  const html = renderPage({
    title: "You are signed in",
    paragraphs: ["Codex on this computer can use your ChatGPT login now. You can close this window."],
    facts,
    mood: "good",
  });
  return { status: 200, html };
}

/** As a person would write it: "Pro", "Self serve business usage based". */
function planName(planType: PlanType): string {
  return (planType.charAt(0).toUpperCase() + planType.slice(1)).replaceAll("_", " ");
}
