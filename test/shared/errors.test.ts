import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  AUTH_ERRORS,
  AuthError,
  type AuthErrorCode,
  CLIENT_ERRORS,
  fromErrorObject,
  JSON_RPC_ERRORS,
  type JsonRpcErrorObject,
  toErrorObject,
} from "@codex-authd/shared";
import t from "tap";
import { EXIT, EXIT_CODES } from "#client/cli/exit-codes.js";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/errors.md"), "utf8");
const SECRET = "rt_very-secret-refresh-token";

/** Codes that the command line gives to what has no name on the wire. */
const COMMAND_LINE_CODES = ["ERR_INTERNAL", "ERR_USAGE"];

/** Numbers never change meaning: a new code takes the next one, and one that is dropped leaves a gap. */
const NUMBERS: Readonly<Record<AuthErrorCode, number>> = {
  ERR_ACCOUNT_MISMATCH: 1001,
  ERR_CALLBACK_PORT_IN_USE: 1002,
  ERR_CALLER_REFUSED: 1003,
  ERR_CONFIG_INVALID: 1004,
  ERR_ISSUER_NOT_TRUSTED: 1005,
  ERR_ISSUER_RESPONSE: 1006,
  ERR_ISSUER_UNAVAILABLE: 1007,
  ERR_LOGIN_CANCELLED: 1008,
  ERR_LOGIN_DENIED: 1009,
  ERR_LOGIN_EXPIRED: 1010,
  ERR_LOGIN_NOT_FOUND: 1011,
  ERR_LOGIN_NOT_INTERACTIVE: 1012,
  ERR_LOGIN_REQUIRED: 1013,
  ERR_NOT_MANAGED: 1014,
  ERR_RATE_LIMITED: 1015,
  ERR_REFRESH_REJECTED: 1016,
  ERR_STORAGE_CORRUPT: 1017,
  ERR_STORAGE_UNAVAILABLE: 1018,
  ERR_WORKSPACE_NOT_ALLOWED: 1019,
};

const codes = Object.keys(AUTH_ERRORS) as AuthErrorCode[];
const clientCodes = Object.keys(CLIENT_ERRORS) as (keyof typeof CLIENT_ERRORS)[];

t.test("the catalogue", async (t) => {
  t.test("has its numbers, each once, and none that JSON-RPC reserves", async (t) => {
    const numbers = codes.map((code) => AUTH_ERRORS[code].number);
    t.same(Object.fromEntries(codes.map((code) => [code, AUTH_ERRORS[code].number])), NUMBERS);
    t.equal(new Set(numbers).size, numbers.length);
    for (const number of numbers) t.ok(number < -32_768 || number > -32_000, String(number));
  });
  t.test("is sorted, in both lists, and they have no code in common", async (t) => {
    t.same(codes, [...codes].sort());
    t.same(clientCodes, [...clientCodes].sort());
    t.equal(new Set([...codes, ...clientCodes]).size, codes.length + clientCodes.length);
  });
  for (const [code, { meaning, remedy }] of Object.entries({ ...AUTH_ERRORS, ...CLIENT_ERRORS })) {
    t.test(`says of ${code} in sentences what it means and what to do`, async (t) => {
      t.match(code, /^ERR_[A-Z_]+$/);
      t.match(meaning, /^\S.*\.$/);
      t.match(remedy, /^\S.*\.$/);
    });
  }
  t.test("knows the reserved numbers of JSON-RPC 2.0", async (t) => {
    t.same(JSON_RPC_ERRORS, {
      parseError: -32700,
      invalidRequest: -32600,
      methodNotFound: -32601,
      invalidParams: -32602,
      internalError: -32603,
    });
  });
});

t.test("docs/errors.md", async (t) => {
  const daemonPart = partOf("Errors of the daemon");
  const clientPart = partOf("Errors of the client");
  t.test("documents exactly the codes that exist, in their order", async (t) => {
    t.same(headingsOf(daemonPart), codes);
    t.same(headingsOf(clientPart), clientCodes);
    t.same(headingsOf(PAGE), [...codes, ...clientCodes]);
  });
  t.test("mentions no code and no number that does not exist", async (t) => {
    const known: readonly string[] = [...codes, ...clientCodes, ...COMMAND_LINE_CODES];
    t.same(
      [...new Set(PAGE.match(/\bERR_[A-Z_]+/g))].filter((code) => !known.includes(code)),
      [],
    );
    const mentioned = [...PAGE.matchAll(/(?:"code": |\bNumber )(\d+)/g)].map(([, number]) => Number(number));
    t.same(
      mentioned.filter((number) => !Object.values(NUMBERS).includes(number)),
      [],
    );
  });
  for (const code of codes) {
    t.test(`says of ${code} what the catalogue and the command line say`, async (t) => {
      const { number, retryable, meaning, remedy } = AUTH_ERRORS[code];
      const facts = `Number ${number} · ${retryable ? "retryable" : "not retryable"} · exit code ${EXIT_CODES[code]}`;
      t.same(paragraphsOf(daemonPart, code).slice(0, 3), [facts, meaning, `**What to do:** ${remedy}`]);
    });
  }
  for (const code of clientCodes) {
    t.test(`says of ${code} what the catalogue and the command line say`, async (t) => {
      const { meaning, remedy } = CLIENT_ERRORS[code];
      const facts = `Exit code ${EXIT_CODES[code]}`;
      t.same(paragraphsOf(clientPart, code).slice(0, 3), [facts, meaning, `**What to do:** ${remedy}`]);
    });
  }
  t.test("lists the reserved numbers of JSON-RPC, all of them", async (t) => {
    const listed = [...partOf("Errors of JSON-RPC").matchAll(/^\| (-\d+) \|/gm)].map(([, number]) =>
      Number(number),
    );
    t.same(listed.sort(), Object.values(JSON_RPC_ERRORS).sort());
  });
  t.test("lists the exit codes, all but those of signals in its table", async (t) => {
    const listed = [...partOf("How an error looks").matchAll(/^\| (1?\d{1,2}) \|/gm)].map(([, code]) =>
      Number(code),
    );
    const signals: readonly number[] = [EXIT.interrupted, EXIT.terminated];
    t.same(
      listed,
      Object.values(EXIT).filter((code) => !signals.includes(code)),
    );
    for (const code of signals) t.match(PAGE, new RegExp(`\\b${code} after`));
  });
  t.test("shows an error object as it is sent", async (t) => {
    const error = new AuthError(
      "ERR_REFRESH_REJECTED",
      "The issuer rejected the refresh token. Run `codex-auth login`.",
      { oauthError: "refresh_token_reused" },
    );
    const shown = /```json\n(\{\n[\s\S]*?)```/.exec(PAGE)?.[1] ?? "{}";
    t.same(JSON.parse(shown), { jsonrpc: "2.0", id: 1, error: toErrorObject(error) });
  });
});

t.test("on the wire", async (t) => {
  const notOurs: readonly unknown[] = [
    undefined,
    null,
    "ERR_LOGIN_REQUIRED",
    {},
    { code: 1013 },
    { code: "ERR_UNHEARD_OF" },
    { code: "ERR_DAEMON_TIMEOUT" },
    { code: "constructor" },
    { code: "__proto__" },
    { code: ["ERR_LOGIN_REQUIRED"] },
  ];
  for (const data of notOurs) {
    t.test(`${JSON.stringify(data)} is none of ours, whatever the number`, async (t) => {
      const object = { code: 1013, message: "x", data } as unknown as JsonRpcErrorObject;
      t.equal(fromErrorObject(object), undefined);
    });
  }
  for (const code of codes) {
    t.test(`${code} comes back as it went`, async (t) => {
      const sent = new AuthError(code, "What happened. What to do.", {
        oauthError: "own_words",
        retryAfterMs: 1500,
      });
      const received = fromErrorObject(JSON.parse(JSON.stringify(toErrorObject(sent))));
      t.ok(received instanceof AuthError);
      t.same(received && factsOf(received), factsOf(sent));
    });
  }
  t.test("carries number, name and retryable, and no more than was given", async (t) => {
    t.same(toErrorObject(new AuthError("ERR_LOGIN_REQUIRED", "Log in.")), {
      code: 1013,
      message: "Log in.",
      data: { code: "ERR_LOGIN_REQUIRED", retryable: false },
    });
  });
  t.test("is believed by its name, not by its number or its `retryable`", async (t) => {
    const data = { code: "ERR_ISSUER_UNAVAILABLE", retryable: false, added: "later" };
    const error = fromErrorObject({ code: 1, message: "x", data });
    t.equal(error?.code, "ERR_ISSUER_UNAVAILABLE");
    t.equal(error?.isRetryable, true);
  });
  t.test("fields of the wrong type are left out", async (t) => {
    const data = { code: "ERR_RATE_LIMITED", oauthError: { token: "x" }, retryAfterMs: "1000" };
    const error = fromErrorObject({ code: 1015, message: "x", data });
    t.equal(error?.oauthError, undefined);
    t.equal(error?.retryAfterMs, undefined);
  });
});

t.test("a message gains nothing", async (t) => {
  const cause = Object.assign(new Error(SECRET), { request: { body: SECRET } });
  const error = new AuthError("ERR_REFRESH_REJECTED", "Refused. Log in.", {
    cause,
    oauthError: "invalid_grant",
  });
  t.test("from its cause", async (t) => {
    t.equal(error.message, "Refused. Log in.");
    t.equal(String(error), "AuthError: Refused. Log in.");
    t.equal(error.cause, cause);
    t.notOk(JSON.stringify(error).includes(SECRET));
  });
  t.test("on the wire: neither cause nor stack cross", async (t) => {
    const object = toErrorObject(error);
    t.same(Object.keys(object), ["code", "message", "data"]);
    t.notOk(inspect(object, { depth: null, showHidden: true }).includes(SECRET));
    t.equal(fromErrorObject(object)?.cause, undefined);
    t.equal(fromErrorObject(object)?.message, error.message);
  });
});

t.test("AuthError", async (t) => {
  for (const code of codes) {
    t.equal(new AuthError(code, "x").isRetryable, AUTH_ERRORS[code].retryable, code);
  }
  t.test("is an Error with a name and a code, and without a cause that nobody gave", async (t) => {
    const error = new AuthError("ERR_LOGIN_REQUIRED", "Log in.");
    t.ok(error instanceof Error);
    t.match(error, { name: "AuthError", code: "ERR_LOGIN_REQUIRED", message: "Log in." });
    t.notOk("cause" in error);
  });
});

function factsOf({ code, message, isRetryable, oauthError, retryAfterMs }: AuthError): object {
  return { code, message, isRetryable, oauthError, retryAfterMs };
}

/** The part of the page under a second-level heading. */
function partOf(title: string): string {
  return PAGE.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
}

function headingsOf(part: string): string[] {
  return [...part.matchAll(/^### `(ERR_\w+)`$/gm)].map(([, code]) => code ?? "");
}

/** The paragraphs under a code's heading, each on one line. */
function paragraphsOf(part: string, code: string): string[] {
  const section = part.split(/^### /m).find((text) => text.startsWith(`\`${code}\`\n`)) ?? "";
  return section
    .split(/\n{2,}/)
    .slice(1)
    .map((paragraph) => paragraph.trim().replaceAll("\n", " "));
}
