/** Checks source files against the walls of the house. Pure: files and rules in, violations out. */
import { posix } from "node:path";
import { codeOf, type ImportStatement, importsOf, lineAt, type SourceFile } from "./source-text.js";

/** A folder or file, and what it may import besides itself. An entry that starts with `type ` allows types only. */
export interface Part {
  readonly path: string;
  readonly mayImport: readonly string[];
  /** Why, where the arrow is not obvious. */
  readonly why?: string;
}

/** An npm package, and the only folders or files that may load it; `type ` as for a {@link Part}. */
export interface PackageRule {
  readonly name: string;
  readonly onlyIn: readonly string[];
  readonly why?: string;
}

/** Where a rule holds: everywhere, or in `onlyIn`, but never in `exceptIn`. */
interface Scope {
  readonly onlyIn?: readonly string[];
  readonly exceptIn?: readonly string[];
}

/** Words that may not be written. */
export interface WordRule extends Scope {
  readonly name: string;
  /** Matched with `matchAll`: global. */
  readonly pattern: RegExp;
}

/** Node modules that may not be imported, or `names` of them. A namespace or a default import counts as every name. */
export interface BuiltinRule extends Scope {
  readonly name: string;
  readonly modules: RegExp;
  readonly names?: readonly string[];
}

/** `path:line: what is wrong`. */
export type Violation = string;

/** Imports from one part of the house to another that {@link Part.mayImport} does not name. */
export function checkArrows(files: readonly SourceFile[], parts: readonly Part[]): Violation[] {
  return eachImport(files, ({ path }, { specifier, isTypeOnly }) => {
    if (!specifier.startsWith(".")) return undefined;
    const from = partOf(path, parts);
    if (!from) return `${path} belongs to no part of the house`;
    const target = resolved(path, specifier);
    const to = partOf(target, parts);
    const isPermitted = openings(from.mayImport, isTypeOnly).some(
      (opening) => isWithin(target, opening) && to !== undefined && isWithin(opening, to.path),
    );
    return to === from || isPermitted ? undefined : `${from.path} must not import ${target}`;
  });
}

/** Packages that are loaded where {@link PackageRule.onlyIn} does not say so, and those without a rule. */
export function checkPackages(files: readonly SourceFile[], rules: readonly PackageRule[]): Violation[] {
  return eachImport(files, ({ path }, { specifier, isTypeOnly }) => {
    if (/^(?:\.|node:)/.test(specifier)) return undefined;
    const rule = rules.find(({ name }) => name === specifier);
    if (!rule) return `"${specifier}" is no package of this project`;
    const isPermitted = openings(rule.onlyIn, isTypeOnly).some((opening) => isWithin(path, opening));
    return isPermitted ? undefined : `"${specifier}" is for ${rule.onlyIn.join(", ")} only`;
  });
}

/** Node modules, or names of theirs, that are imported where a rule says that they must not be. */
export function checkBuiltins(files: readonly SourceFile[], rules: readonly BuiltinRule[]): Violation[] {
  return rules.flatMap((rule) =>
    eachImport(files.filter(isSubjectTo(rule)), (_file, { specifier, isTypeOnly, names }) => {
      if (isTypeOnly || !rule.modules.test(specifier)) return undefined;
      const forbidden = names.filter((name) => isOneOf(name, rule.names));
      return forbidden.length === 0 ? undefined : `${rule.name}: ${forbidden.join(", ")} of ${specifier}`;
    }),
  );
}

/** Words of the code, not of its comments and strings, that a rule forbids. */
export function checkWords(files: readonly SourceFile[], rules: readonly WordRule[]): Violation[] {
  return files.flatMap(({ path, text }) => {
    const code = codeOf(text);
    return rules
      .filter((rule) => isSubjectTo(rule)({ path }))
      .flatMap(({ name, pattern }) =>
        [...code.matchAll(pattern)].map(({ index }) => `${path}:${lineAt(text, index)}: ${name}`),
      );
  });
}

/** Files of more than `maxLines` lines. */
export function checkSizes(files: readonly SourceFile[], maxLines: number): Violation[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path}:${lines}: more than ${maxLines} lines`);
}

/** Imports that lead back to their file; those of types count too. */
export function findCycles(files: readonly SourceFile[]): Violation[] {
  const edges = new Map(files.map(({ path, text }) => [path, relativeImports(path, text)]));
  const cycles: Violation[] = [];
  const finished = new Set<string>();
  function visit(path: string, trail: readonly string[]): void {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" → "));
    if (start >= 0 || finished.has(path)) return;
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
    finished.add(path);
  }
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}

function eachImport(
  files: readonly SourceFile[],
  check: (file: SourceFile, statement: ImportStatement) => string | undefined,
): Violation[] {
  return files.flatMap((file) =>
    importsOf(file.text).flatMap((statement) => {
      const fault = check(file, statement);
      return fault === undefined ? [] : [`${file.path}:${statement.line}: ${fault}`];
    }),
  );
}

function relativeImports(path: string, text: string): string[] {
  const specifiers = importsOf(text).map(({ specifier }) => specifier);
  return specifiers
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => resolved(path, specifier));
}

/** The source behind a relative specifier: what is imported as `.js` is written as `.ts`. */
function resolved(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, ".ts");
}

/** The innermost part that a path lies in. */
function partOf(path: string, parts: readonly Part[]): Part | undefined {
  const around = parts.filter((part) => isWithin(path, part.path));
  return around.sort((a, b) => b.path.length - a.path.length)[0];
}

/** The entries that are open to an import: those for types only are closed to values. */
function openings(entries: readonly string[], isTypeOnly: boolean): string[] {
  const open = isTypeOnly ? entries : entries.filter((entry) => !entry.startsWith("type "));
  return open.map((entry) => entry.replace(/^type /, ""));
}

function isSubjectTo({ onlyIn, exceptIn = [] }: Scope): (file: { readonly path: string }) => boolean {
  return ({ path }) => {
    const isInScope = onlyIn === undefined || onlyIn.some((folder) => isWithin(path, folder));
    return isInScope && !exceptIn.some((folder) => isWithin(path, folder));
  };
}

function isOneOf(name: string, forbidden: readonly string[] | undefined): boolean {
  return forbidden === undefined || name === "*" || name === "default" || forbidden.includes(name);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
