import { type LoopbackPage, renderPage } from "./layout.js";

export interface FailurePageOptions {
  readonly title: string;
  /** What happened and what to do next, without any secret. */
  readonly message: string;
  /** The issuer's code, or ours. */
  readonly code?: string;
}

/** Shown when the login ended without one. */
export function failurePage({ title, message, code }: FailurePageOptions): LoopbackPage {
  const html = renderPage({
    title,
    paragraphs: [message],
    ...(code === undefined ? {} : { facts: [["Error", code]] }),
    mood: "bad",
  });
  return { status: 400, html };
}
