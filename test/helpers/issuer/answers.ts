/** An HTTP answer before it is sent, so that a fault can still spoil it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  const noStore = { "content-type": "application/json", "cache-control": "no-store" };
  return { status, headers: { ...noStore, ...headers }, body: JSON.stringify(body) };
}

/** An HTML answer. */
export function html(status: number, body: string): Answer {
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return { status, headers, body };
}

/** A redirect; 303 after a form, so that every browser goes on with GET. */
export function redirect(status: 302 | 303, location: string): Answer {
  return { status, headers: { location }, body: "" };
}

/** An error of the token endpoint for a form, as in RFC 6749 §5.2. */
export function oauthError(status: number, error: string, description: string): Answer {
  return json(status, { error, error_description: description });
}

/** An error as upstream's JSON endpoints word it. */
export function apiError(status: number, code: string, message: string): Answer {
  return json(status, { error: { message, type: "invalid_request_error", param: null, code } });
}
