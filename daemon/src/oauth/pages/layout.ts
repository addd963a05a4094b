/** The look of the pages that a person sees in the browser. No scripts, nothing fetched; works in the dark and at phone width. */
import { createHash } from "node:crypto";

/** A whole answer for the person's browser. */
export interface LoopbackPage {
  /** HTTP status. */
  readonly status: number;
  readonly html: string;
}

type Mood = "good" | "bad" | "neutral" | "pending";

export interface PageContent {
  /** Of the window, and the heading. */
  readonly title: string;
  /** Paragraphs, as text; what stands in backticks is shown as something to type. */
  readonly paragraphs: readonly string[];
  /** Label and value, as text. Default: none. */
  readonly facts?: readonly (readonly [label: string, value: string])[];
  readonly mood: Mood;
}

const STYLE = `
:root { color-scheme: light dark; --paper: #f5f5f2; --card: #ffffff; --ink: #1b1c1e; --soft: #5a5d63; --line: #e2e2dd;
  --good: #17663a; --bad: #a3241b; --neutral: #55585e; --shadow: #1b1c1e14; }
@media (prefers-color-scheme: dark) { :root { --paper: #131416; --card: #1d1f22; --ink: #ececea; --soft: #a9adb4;
  --line: #33363b; --good: #6fcf97; --bad: #ff9a8d; --neutral: #a9adb4; --shadow: #00000066; } }
@media (prefers-contrast: more) { :root { --soft: var(--ink); --line: var(--ink); } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100svh; display: grid; align-content: center; justify-items: center;
  gap: 1.25rem; padding: 1.5rem 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
main { width: 100%; max-width: 27rem; padding: 2.25rem clamp(1.25rem, 8vw, 2rem); background: var(--card);
  border: 1px solid var(--line); border-radius: 14px; box-shadow: 0 10px 30px -12px var(--shadow); }
svg { display: block; width: 2.75rem; height: 2.75rem; margin-bottom: 1.25rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .neutral, .pending { color: var(--neutral); }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; text-wrap: balance; }
p { margin: 0; text-wrap: pretty; } p + p { margin-top: .75rem; }
code { padding: .1em .35em; border: 1px solid var(--line); border-radius: 5px; background: var(--paper);
  font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; -webkit-box-decoration-break: clone;
  box-decoration-break: clone; }
dl { display: grid; gap: .5rem; margin: 1.5rem 0 0; padding-top: 1.5rem; border-top: 1px solid var(--line); }
dl div { display: flex; flex-wrap: wrap; gap: 0 .5rem; }
dt { flex: none; min-width: 4.75rem; color: var(--soft); } dd { flex: 1 1 11rem; margin: 0; font-weight: 550; }
footer { color: var(--soft); font-size: .875rem; }
@media print { body { min-height: 0; background: none; } main { box-shadow: none; } }
`;

/** Beside the words, for people who see it: drawn in a square of 24. */
const MARKS: Readonly<Record<Mood, string>> = {
  good: "m7.5 12.4 3 3 6-6.6",
  bad: "M12 7.2v6m0 3.4v.2",
  neutral: "M8 12h8",
  pending: "M7 12h.01M12 12h.01M17 12h.01",
};

/** Every browser asks for an icon, and reports the refusal as an error of the page; this one is part of the page. */
const NO_ICON = '<link rel="icon" href="data:,">';

/** Allows the style above and the icon in the page, and nothing else at all. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A page as an HTML document. Every text is escaped. */
export function renderPage({ title, paragraphs, facts = [], mood }: PageContent): string {
  const rows = facts.map(([label, value]) => factRow(label, value));
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)} · codex-authd</title>\n${NO_ICON}\n<style>${STYLE}</style>\n</head>\n<body>`,
    `<main>\n${markOf(mood)}\n<h1>${escapeHtml(title)}</h1>`,
    ...paragraphs.map((paragraph) => `<p dir="auto">${withCode(escapeHtml(paragraph))}</p>`),
    ...(rows.length === 0 ? [] : [`<dl>${rows.join("")}</dl>`]),
    "</main>\n<footer>codex-authd, on this computer</footer>\n</body>\n</html>\n",
  ].join("\n");
}

/** The value in its own direction of writing; a long e-mail breaks before its `@` and dots. */
function factRow(label: string, value: string): string {
  const breakable = escapeHtml(value).replace(/(?=[@._])/g, "<wbr>");
  return `<div><dt>${escapeHtml(label)}</dt><dd><bdi>${breakable}</bdi></dd></div>`;
}

function markOf(mood: Mood): string {
  return (
    `<svg class="${mood}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" ` +
    'stroke-linejoin="round" aria-hidden="true"><circle cx="12" cy="12" r="12" fill="currentColor" fill-opacity=".14" ' +
    `stroke="none"/><path d="${MARKS[mood]}"/></svg>`
  );
}

function withCode(html: string): string {
  return html.replace(/`([^`]+)`/g, "<code>$1</code>");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Without what could turn the text around it, or hide in it. */
function escapeHtml(text: string): string {
  const visible = text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "");
  return visible.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
