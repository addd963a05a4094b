import { headerOf, type RecordedRequest } from "./requests.js";

/** What a value must be: exactly this text, one of these, a match, or whatever the function says. */
export type Rule = string | readonly string[] | RegExp | ((value: string) => boolean);

/** The form of a request as upstream sends it. */
export interface RequestForm {
  /** Exactly, without parameters; left out for a GET. */
  readonly contentType?: "application/json" | "application/x-www-form-urlencoded";
  readonly required: Readonly<Record<string, Rule>>;
  readonly optional?: Readonly<Record<string, Rule>>;
}

/** A value of any kind, but not empty. */
export const NOT_EMPTY = /./;

/** What departs from the form: one text per header or parameter, which names it and never quotes a value. */
export function departuresFrom(form: RequestForm, request: RecordedRequest): string[] {
  return [...transportDepartures(form, request), ...fieldDepartures(form, request)];
}

function transportDepartures(form: RequestForm, request: RecordedRequest): string[] {
  if (form.contentType === undefined) return [];
  const departures: string[] = [];
  if (headerOf(request, "content-type") !== form.contentType) {
    departures.push(`content-type is not ${form.contentType}`);
  }
  if (request.query !== "") departures.push("the URL has a query");
  return departures;
}

function fieldDepartures(form: RequestForm, { fields }: RecordedRequest): string[] {
  if (fields === undefined) return ["body is not a JSON object"];
  const rules: Record<string, Rule> = { ...form.required, ...form.optional };
  const names = fields.map(([name]) => name);
  const missing = Object.keys(form.required).filter((name) => !names.includes(name));
  const wrong = fields.flatMap(([name, value], at) => {
    if (names.indexOf(name) !== at) return [`${name} is given twice`];
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) return [`${name} is unknown`];
    return typeof value === "string" && isObeyed(rule, value) ? [] : [`${name} is wrong`];
  });
  return [...missing.map((name) => `${name} is missing`), ...wrong];
}

function isObeyed(rule: Rule, value: string): boolean {
  if (typeof rule === "string") return value === rule;
  if (typeof rule === "function") return rule(value);
  return rule instanceof RegExp ? rule.test(value) : rule.includes(value);
}
