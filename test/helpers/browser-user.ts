import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";

/** The page on which somebody ended. */
export interface VisitedPage {
  readonly status: number;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How the person acts. */
export interface BrowserUserOptions {
  /** Label of the account to choose, as `userLabel` gives it. Default: the one that is preselected. */
  readonly account?: string;
  /** PEM certificate to trust. */
  readonly ca?: string;
}

/** More hops than any login has: issuer, loopback redirect, success page. */
const MAX_REDIRECTS = 5;

/** Opens the authorization URL, clicks "Continue", and follows the redirects to the end. */
export async function approveLogin(
  authorizationUrl: string,
  options: BrowserUserOptions = {},
): Promise<VisitedPage> {
  return decide(authorizationUrl, { decision: "continue" }, options);
}

/** Opens the authorization URL, clicks "Cancel", and follows the redirects to the end. */
export async function denyLogin(
  authorizationUrl: string,
  options: BrowserUserOptions = {},
): Promise<VisitedPage> {
  return decide(authorizationUrl, { decision: "cancel" }, options);
}

/** Opens the verification page of a device login, types the code, and clicks "Continue". */
export async function approveDevice(
  verificationUri: string,
  userCode: string,
  options: BrowserUserOptions = {},
): Promise<VisitedPage> {
  return decide(verificationUri, { decision: "continue", user_code: userCode }, options);
}

/** Opens the verification page of a device login, types the code, and clicks "Cancel". */
export async function denyDevice(
  verificationUri: string,
  userCode: string,
  options: BrowserUserOptions = {},
): Promise<VisitedPage> {
  return decide(verificationUri, { decision: "cancel", user_code: userCode }, options);
}

/** Opens a URL and follows its redirects. */
export async function visit(url: string, options: BrowserUserOptions = {}): Promise<VisitedPage> {
  return follow(await send(url, undefined, options), options);
}

async function decide(
  url: string,
  typed: Record<string, string>,
  options: BrowserUserOptions,
): Promise<VisitedPage> {
  const page = await visit(url, options);
  const action = /<form[^>]* action="([^"]*)"/.exec(page.body)?.[1];
  if (action === undefined) return page;
  const account = options.account ?? selectedAccount(page.body);
  const form = new URLSearchParams({ ...hiddenFields(page.body), account, ...typed });
  return follow(await send(new URL(action, page.url).href, form, options), options);
}

async function follow(page: VisitedPage, options: BrowserUserOptions): Promise<VisitedPage> {
  let current = page;
  for (let hop = 0; hop < MAX_REDIRECTS && current.headers.location !== undefined; hop += 1) {
    current = await send(new URL(current.headers.location, current.url).href, undefined, options);
  }
  return current;
}

function hiddenFields(body: string): Record<string, string> {
  const inputs = body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return Object.fromEntries([...inputs].map(([, name = "", value = ""]) => [name, unescapeHtml(value)]));
}

function selectedAccount(body: string): string {
  return unescapeHtml(/<option selected>([^<]*)</.exec(body)?.[1] ?? "");
}

function unescapeHtml(text: string): string {
  return text.replace(/&#(\d+);/g, (_entity, code) => String.fromCharCode(Number(code)));
}

function send(
  url: string,
  form: URLSearchParams | undefined,
  { ca }: BrowserUserOptions,
): Promise<VisitedPage> {
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  const contentType = { "content-type": "application/x-www-form-urlencoded" };
  const method = form === undefined ? "GET" : "POST";
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      agent: false,
      method,
      ca,
      headers: form === undefined ? {} : contentType,
    });
    outgoing.once("error", reject).once("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
      incoming.once("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        resolve({ status: incoming.statusCode ?? 0, url, headers: incoming.headers, body });
      });
    });
    outgoing.end(form?.toString());
  });
}
