/** The look of the pages that a person sees in the browser. No scripts, nothing fetched; works in the dark and at phone width. */
import { createHash } from "node:crypto";

/** A whole answer for the person's browser. */
export interface LoopbackPage {
  /** HTTP status. */
  readonly status: number;
  readonly html: string;
}

export interface PageContent {
  /** Of the window, and the heading. */
  readonly title: string;
  /** Paragraphs, as text. */
  readonly paragraphs: readonly string[];
  /** Label and value, as text. Default: none. */
  readonly facts?: readonly (readonly [label: string, value: string])[];
  readonly mood: "good" | "bad" | "neutral";
}

const STYLE = `
:root { color-scheme: light dark; --paper: #f6f6f4; --card: #ffffff; --ink: #1b1c1e; --soft: #55585e; --line: #d9dad6;
  --good: #17663a; --bad: #a3241b; --neutral: #55585e; }
@media (prefers-color-scheme: dark) { :root { --paper: #141517; --card: #1d1f22; --ink: #ececea; --soft: #a9adb4;
  --line: #35383d; --good: #6fcf97; --bad: #ff9a8d; --neutral: #a9adb4; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 30rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-top: 4px solid var(--mood); border-radius: 8px; overflow-wrap: anywhere; }
.good { --mood: var(--good); } .bad { --mood: var(--bad); } .neutral { --mood: var(--neutral); }
h1 { margin: 0 0 .75rem; font-size: 1.375rem; line-height: 1.3; font-weight: 600; }
p { margin: 0 0 .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1.25rem 0 0; padding-top: 1.25rem;
  border-top: 1px solid var(--line); }
dt { color: var(--soft); } dd { margin: 0; }
footer { margin-top: 1.25rem; color: var(--soft); font-size: .875rem; }
`;

/** Allows the style above, and nothing else at all. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A page as an HTML document. Every text is escaped. */
export function renderPage({ title, paragraphs, facts = [], mood }: PageContent): string {
  const rows = facts.map(([label, value]) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd>`);
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)} · codex-authd</title>\n<style>${STYLE}</style>\n</head>\n<body>`,
    `<main class="${mood}">\n<h1>${escapeHtml(title)}</h1>`,
    ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
    ...(rows.length === 0 ? [] : [`<dl>${rows.join("")}</dl>`]),
    "<footer>codex-authd, on this computer</footer>\n</main>\n</body>\n</html>\n",
  ].join("\n");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
