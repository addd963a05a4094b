import { type LoopbackPage, renderPage } from "./layout.js";

/** Shown when the login was given up before it was finished. */
export function cancelledPage(): LoopbackPage {
  const html = renderPage({
    title: "Sign-in cancelled",
    paragraphs: [
      "This sign-in has changed nothing on this computer. You can close this window, or start again from the terminal.",
    ],
    mood: "neutral",
  });
  return { status: 200, html };
}
