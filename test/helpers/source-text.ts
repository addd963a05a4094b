/** Reads TypeScript without a compiler: what of a text is code, and what it imports. */

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface ImportStatement {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  /** Imported names as the other module calls them; `*` for a namespace or a dynamic import. */
  readonly names: readonly string[];
  readonly line: number;
}

/** A comment, a string, a regular expression, the start of a template, or a brace: whatever the others may hide in. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(?<=[(,=:[!&|?{};+\n]\s*|\breturn\s+)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*|[`{}]/y;

/**
 * `text` with comments and the insides of strings, templates and regular expressions blanked. Offsets and lines stay, so
 * that what is found here can be looked up there. Expressions in a template are code, and stay.
 */
export function codeOf(text: string): string {
  const code: string[] = [];
  // One entry for each brace that is open: true when its closing leads back into a template.
  const braces: boolean[] = [];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0] ?? text.charAt(at);
    at += token.length;
    if (token === "{") braces.push(false);
    const isTemplate = token === "`" || (token === "}" && braces.pop() === true);
    code.push(blanked(token));
    if (!isTemplate) continue;
    const words = templateText(text, at);
    at += words.length;
    code.push(blank(words.slice(0, -1)), words.slice(-1));
    if (words.endsWith("{")) braces.push(true);
  }
  return code.join("");
}

/** Every import, re-export, `import()` and `require()` in `text`. */
export function importsOf(text: string): ImportStatement[] {
  const code = codeOf(text);
  return [...staticImports(text, code), ...dynamicImports(text, code)].sort((a, b) => a.line - b.line);
}

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

const STATIC =
  /(?<=^|[;}\n])[^\S\n]*(?:import|export)\b\s*(?<type>type\b(?!\s*(?:,|from\b)))?\s*(?<clause>(?:[\w$]+\s*,?\s*)?(?:\{[^{}]*\}|\*(?:\s*as\s+[\w$]+)?)?)\s*\bfrom\s*(?<quoted>["'] *["'])/dg;

const SIDE_EFFECT = /(?<=^|[;}\n])[^\S\n]*import\s*(?<quoted>["'] *["'])/dg;

function staticImports(text: string, code: string): ImportStatement[] {
  return [...code.matchAll(STATIC), ...code.matchAll(SIDE_EFFECT)].map((match) => {
    const { type, clause = "" } = match.groups ?? {};
    return {
      specifier: quotedAt(text, match.indices?.groups?.quoted),
      isTypeOnly: type !== undefined,
      names: importedNames(clause),
      line: lineAt(text, match.index),
    };
  });
}

/** `require` also through `createRequire(…)(…)`; a specifier that is no plain string is given as `?`. */
const DYNAMIC =
  /(?<type>\btypeof\s+)?(?<![.\w$])(?:import|require|createRequire\([^()]*\))\s*\(\s*(?<quoted>["'] *["'])?/dg;

function dynamicImports(text: string, code: string): ImportStatement[] {
  return [...code.matchAll(DYNAMIC)].filter(isCall).map((match) => ({
    specifier: match.groups?.quoted ? quotedAt(text, match.indices?.groups?.quoted) : "?",
    isTypeOnly: match.groups?.type !== undefined,
    names: ["*"],
    line: lineAt(text, match.index),
  }));
}

/** `createRequire(import.meta.url)` alone loads nothing. */
function isCall(match: RegExpExecArray): boolean {
  return match.groups?.quoted !== undefined || !match[0].startsWith("createRequire");
}

function quotedAt(text: string, [start, end]: [number, number] = [0, 0]): string {
  return text.slice(start + 1, end - 1);
}

function importedNames(clause: string): string[] {
  if (clause.includes("*")) return ["*"];
  const [outside = "", inside = ""] = clause.split("{");
  const named = inside
    .replace("}", "")
    .split(",")
    .map((name) => name.trim());
  const values = named.filter((name) => name && !name.startsWith("type "));
  const names = values.map((name) => name.replace(/\s+as\s.*$/s, ""));
  return /\w/.test(outside) ? ["default", ...names] : names;
}

/** What of a template follows `from`, up to and with its closing backtick or the `{` of its next expression. */
function templateText(text: string, from: number): string {
  const end = /(?:\\[\s\S]|(?!\$\{)[^`\\])*(?:`|\$\{|$)/y;
  end.lastIndex = from;
  return end.exec(text)?.[0] ?? "";
}

function blanked(token: string): string {
  if (/^(?:\/\/|\/\*)/.test(token)) return blank(token);
  return token.length < 2 ? token : token.charAt(0) + blank(token.slice(1, -1)) + token.slice(-1);
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}
