import { type TestUser, userLabel } from "./users.js";

/** What the form of a page sends. */
export interface PageForm {
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  readonly users: readonly TestUser[];
  readonly signedIn: TestUser;
}

/** The page on which somebody agrees to a login, or does not. */
export function consentPage(clientName: string, form: PageForm): string {
  return page("Sign in", `<p>${escapeHtml(clientName)} wants to use your account.</p>${formOf(form)}`);
}

/** The page on which somebody types the code that a device shows. */
export function devicePage(userCode: string, form: PageForm): string {
  const field =
    '<p><label for="user_code">Code shown on your device</label> ' +
    `<input id="user_code" name="user_code" autocomplete="off" required value="${escapeHtml(userCode)}"></p>`;
  return page("Connect a device", formOf(form, field));
}

/** A page that only says something. */
export function messagePage(title: string, lines: readonly string[]): string {
  return page(title, lines.map((line) => `<p>${escapeHtml(line)}</p>`).join(""));
}

function formOf({ action, hidden, users, signedIn }: PageForm, field = ""): string {
  const inputs = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  );
  return (
    `<form method="post" action="${action}">${inputs.join("")}${field}${accountField(users, signedIn)}` +
    '<p><button name="decision" value="continue">Continue</button> ' +
    '<button name="decision" value="cancel" formnovalidate>Cancel</button></p></form>'
  );
}

function accountField(users: readonly TestUser[], signedIn: TestUser): string {
  const options = users.map((user) => {
    const selected = user === signedIn ? " selected" : "";
    return `<option${selected}>${escapeHtml(userLabel(user))}</option>`;
  });
  return (
    '<p><label for="account">Account</label> ' +
    `<select id="account" name="account">${options.join("")}</select></p>`
  );
}

function page(title: string, content: string): string {
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">' +
    `<title>${escapeHtml(title)}</title></head><body><main><h1>${escapeHtml(title)}</h1>${content}</main></body></html>`
  );
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
