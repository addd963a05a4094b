import t, { type Test } from "tap";
import { HttpFailure } from "#daemon/net/http-failure.js";
import {
  type Exchange,
  OAuthError,
  type OAuthErrorKind,
  refusal,
  unanswered,
  unusable,
} from "#daemon/oauth/oauth-error.js";

type Answer = readonly [status: number, body: unknown, oauthError: string | undefined];

const nested = (code: unknown, message = "Words.") => ({
  error: { message, type: "invalid_request_error", param: null, code },
});
const flat = (error: unknown) => ({ error, error_description: "Words." });
const top = (code: unknown) => ({ code, message: "Words." });
const HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/** What issuers, and what stands between, have answered to a refresh. */
const REFRESH: Readonly<Record<"terminal" | "transient", readonly Answer[]>> = {
  terminal: [
    [400, nested("refresh_token_expired"), "refresh_token_expired"],
    [401, nested("refresh_token_expired"), "refresh_token_expired"],
    [403, nested("refresh_token_expired"), "refresh_token_expired"],
    [500, nested("refresh_token_expired"), "refresh_token_expired"],
    [429, nested("refresh_token_expired"), "refresh_token_expired"],
    [400, nested("refresh_token_reused"), "refresh_token_reused"],
    [401, nested("refresh_token_reused"), "refresh_token_reused"],
    [401, nested("REFRESH_TOKEN_REUSED"), "refresh_token_reused"],
    [400, flat("refresh_token_reused"), "refresh_token_reused"],
    [400, top("refresh_token_reused"), "refresh_token_reused"],
    [400, { error: { message: "no code" }, code: "refresh_token_reused" }, "refresh_token_reused"],
    [400, nested("refresh_token_invalidated"), "refresh_token_invalidated"],
    [401, nested("refresh_token_invalidated"), "refresh_token_invalidated"],
    [503, flat("Refresh_Token_Invalidated"), "refresh_token_invalidated"],
    [400, flat("invalid_grant"), "invalid_grant"],
    [400, flat("INVALID_GRANT"), "invalid_grant"],
    [400, nested("invalid_grant"), "invalid_grant"],
    [400, top("invalid_grant"), "invalid_grant"],
    [403, flat("invalid_grant"), "invalid_grant"],
    [400, nested("invalid_refresh_token"), "invalid_refresh_token"],
    [401, nested("token_expired"), "token_expired"],
    [400, nested("token_expired"), "token_expired"],
    [400, nested("app_session_terminated"), "app_session_terminated"],
    [400, nested("app_session_expired"), "app_session_expired"],
    [403, nested("app_session_terminated"), "app_session_terminated"],
    [401, nested("invalid_client"), "invalid_client"],
    [401, flat("invalid_client"), "invalid_client"],
    [401, nested("something_new"), "something_new"],
    [401, {}, undefined],
    [401, "", undefined],
    [401, HTML, undefined],
    [401, "[]", undefined],
    [401, "null", undefined],
  ],
  transient: [
    [400, {}, undefined],
    [400, "", undefined],
    [400, HTML, undefined],
    [400, flat("invalid_request"), "invalid_request"],
    [400, nested("invalid_request"), "invalid_request"],
    [400, flat("invalid_scope"), "invalid_scope"],
    [400, flat("unsupported_grant_type"), "unsupported_grant_type"],
    [400, nested("something_new"), "something_new"],
    [400, nested(null), undefined],
    [400, nested(17), undefined],
    [400, { error: ["refresh_token_reused"] }, undefined],
    [400, '{"error":{"code":"refresh_token_reused"', undefined],
    [402, {}, undefined],
    [403, HTML, undefined],
    [403, nested("unsupported_country_region_territory"), "unsupported_country_region_territory"],
    [404, "Not Found", undefined],
    [405, "", undefined],
    [407, HTML, undefined],
    [408, "", undefined],
    [408, flat("invalid_grant"), "invalid_grant"],
    [409, nested("conflict"), "conflict"],
    [413, "", undefined],
    [422, nested("validation_error"), "validation_error"],
    [425, "", undefined],
    [429, "", undefined],
    [429, nested("rate_limit_exceeded"), "rate_limit_exceeded"],
    [429, flat("slow_down"), "slow_down"],
    [429, flat("invalid_grant"), "invalid_grant"],
    [500, "", undefined],
    [500, HTML, undefined],
    [500, flat("server_error"), "server_error"],
    [500, flat("invalid_grant"), "invalid_grant"],
    [501, "", undefined],
    [502, HTML, undefined],
    [503, flat("temporarily_unavailable"), "temporarily_unavailable"],
    [503, "upstream connect error or disconnect/reset before headers", undefined],
    [504, "", undefined],
    [520, HTML, undefined],
    [529, nested("overloaded"), "overloaded"],
    [302, "", undefined],
    [307, "", undefined],
  ],
};

/** What they have answered to a code, which is good for one use. */
const LOGIN: typeof REFRESH = {
  terminal: [
    [400, flat("invalid_grant"), "invalid_grant"],
    [400, flat("invalid_request"), "invalid_request"],
    [400, nested("token_exchange_user_error"), "token_exchange_user_error"],
    [400, HTML, undefined],
    [401, flat("invalid_client"), "invalid_client"],
    [403, nested("unsupported_country_region_territory"), "unsupported_country_region_territory"],
    [404, "", undefined],
  ],
  transient: [
    [408, "", undefined],
    [425, "", undefined],
    [429, nested("rate_limit_exceeded"), "rate_limit_exceeded"],
    [500, HTML, undefined],
    [503, "", undefined],
  ],
};

function respond(status: number, body: unknown, headers: Record<string, string> = {}) {
  return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
}

function checkTable(t: Test, exchange: Exchange, table: typeof REFRESH): void {
  for (const kind of ["terminal", "transient"] as const) {
    for (const [status, body, oauthError] of table[kind]) {
      const error = refusal(respond(status, body), exchange);
      t.match(error, { kind, status, oauthError }, `${status} ${JSON.stringify(body)} is ${kind}`);
      t.match(error.message, kind === "terminal" ? "refused" : "did not carry out");
    }
  }
}

t.test("answers to a refresh", async (t) => checkTable(t, "refresh", REFRESH));
t.test("answers to a login's code", async (t) => checkTable(t, "login", LOGIN));

t.test("the tables hold at least 60 answers", async (t) => {
  t.ok([REFRESH, LOGIN].flatMap(({ terminal, transient }) => [...terminal, ...transient]).length >= 60);
});

t.test("a 2xx that cannot be used is ambiguous", async (t) => {
  for (const exchange of ["refresh", "login", "revocation"] as const) {
    t.match(unusable(respond(200, HTML), exchange, "is not a JSON object"), {
      kind: "ambiguous",
      status: 200,
      oauthError: undefined,
      message: /but its answer is not a JSON object\. /,
    });
  }
});

t.test("no answer is transient when nothing was sent, and else ambiguous", async (t) => {
  const kinds: [wasSent: boolean, kind: OAuthErrorKind][] = [
    [false, "transient"],
    [true, "ambiguous"],
  ];
  for (const [wasSent, kind] of kinds) {
    t.match(unanswered(new HttpFailure("It broke.", wasSent), "refresh"), {
      kind,
      status: undefined,
      message: /It broke\.$/,
    });
  }
});

t.test("a message", async (t) => {
  t.test("quotes the issuer, and says what to do", async (t) => {
    t.equal(
      refusal(respond(401, nested("refresh_token_reused", "Already used.")), "refresh").message,
      'The issuer refused the refresh (401 refresh_token_reused: "Already used."). Run `codex-auth login`.',
    );
    t.equal(
      refusal(respond(503, ""), "login").message,
      "The issuer did not carry out the sign-in (503). Try the login again in a minute.",
    );
  });
  t.test("takes RFC 6749's words before the API's", async (t) => {
    const body = { error: { message: "Second." }, error_description: "First." };
    t.match(refusal(respond(400, body), "refresh").message, '"First."');
  });
  t.test("holds no token, no control character, and an end", async (t) => {
    const words = `Bad token rt_fake_login_7bc37dee\u0007 at /cb?code=abc ${"long ".repeat(1000)}`;
    const { message } = refusal(respond(400, nested("invalid_grant", words)), "refresh");
    for (const secret of ["7bc37dee", "code=abc", "\u0007"]) t.notOk(message.includes(secret));
    t.ok(message.length < 450);
  });
  t.test("does not quote a page", async (t) => {
    t.notMatch(refusal(respond(502, HTML), "refresh").message, "<");
  });
});

t.test("a token that stands where the code should be is not taken for one", async (t) => {
  t.equal(refusal(respond(400, flat("rt_fake_login_7bc37dee")), "refresh").oauthError, undefined);
});

t.test("Retry-After", async (t) => {
  const date = "Sun, 22 Nov 2026 14:42:45 GMT";
  const waits: [headers: Record<string, string>, waitMs: number | undefined][] = [
    [{}, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "1.5" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": " 7 " }, 7_000],
    [{ "retry-after": "99999999999" }, 3_600_000],
    [{ date, "retry-after": "Sun, 22 Nov 2026 14:43:15 GMT" }, 30_000],
    [{ date, "retry-after": "Sun, 22 Nov 2026 14:00:00 GMT" }, 0],
    [{ date, "retry-after": "Mon, 22 Nov 2027 14:00:00 GMT" }, 3_600_000],
    [{ "retry-after": "Sun, 22 Nov 2026 14:43:15 GMT" }, undefined],
  ];
  for (const [headers, waitMs] of waits) {
    t.equal(refusal(respond(429, "", headers), "refresh").retryAfterMs, waitMs, JSON.stringify(headers));
  }
});

t.test("an OAuthError is an error of its own name", async (t) => {
  const error = new OAuthError("It broke.", { kind: "transient" });
  t.ok(error instanceof Error);
  t.match(error, { name: "OAuthError", message: "It broke.", kind: "transient", oauthError: undefined });
});
