import { type LoopbackPage, renderPage } from "./layout.js";

/** Shown when the login takes longer than a browser should be kept waiting. */
export function unfinishedPage(): LoopbackPage {
  const html = renderPage({
    title: "This takes longer than usual",
    paragraphs: [
      "The sign-in is still being finished. Look at the terminal to see how it ends; you can close this window.",
    ],
    mood: "pending",
  });
  return { status: 504, html };
}
