/** JSON-RPC 2.0 by the letter: https://www.jsonrpc.org/specification, section 7 has the examples. */
import { AuthError, JSON_RPC_ERRORS } from "@codex-authd/shared";
import fc from "fast-check";
import t from "tap";
import type { AuditEntry } from "#daemon/rpc/audit.js";
import { createDispatcher } from "#daemon/rpc/dispatch.js";
import type { Handlers } from "#daemon/rpc/handlers.js";
import { RPC_LIMITS } from "#daemon/rpc/limits.js";
import { NOBODY, recordingLog } from "../helpers/rpc-harness.js";
import { unreadMetrics } from "../helpers/unread-metrics.js";

const LOGIN_ID = "0f9a4f5e-2d44-4d0b-8b67-0b8d2f1b7f11";
const CANCEL = { jsonrpc: "2.0", method: "login/cancel", params: { loginId: LOGIN_ID } };
const origin = { signal: new AbortController().signal, caller: NOBODY };

function dispatcherWith(handlers: Partial<Handlers> = {}) {
  const { log, lines } = recordingLog();
  const calls: unknown[] = [];
  const audited: AuditEntry[] = [];
  const fakes: Partial<Handlers> = {
    "login/cancel": async (params) => {
      calls.push(params);
      return { cancelled: true };
    },
    ...handlers,
  };
  const dispatcher = createDispatcher({
    handlers: fakes as Handlers,
    log,
    metrics: unreadMetrics(),
    audit: { record: (entry) => audited.push(entry) },
    limits: RPC_LIMITS,
    version: "1.2.3",
  });
  const dispatch = (body: unknown) =>
    dispatcher.dispatch(typeof body === "string" ? body : JSON.stringify(body), origin);
  return { dispatcher, dispatch, calls, lines, audited };
}

const failed = (code: keyof typeof JSON_RPC_ERRORS, id: unknown = null) => ({
  jsonrpc: "2.0",
  error: { code: JSON_RPC_ERRORS[code] },
  id,
});

t.test("a body that is not JSON is a parse error", async (t) => {
  const { dispatch } = dispatcherWith();
  for (const body of [
    "",
    "{",
    '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    "undefined",
    "01",
  ]) {
    t.match(await dispatch(body), failed("parseError"));
  }
  const batch = '[{"jsonrpc": "2.0", "method": "login/cancel", "id": "1"}, {"jsonrpc": "2.0", "method"]';
  t.match(await dispatch(batch), failed("parseError"));
});

t.test("what is no request is an invalid request", async (t) => {
  const { dispatch, calls } = dispatcherWith();
  const id = 1;
  t.match(await dispatch({ jsonrpc: "2.0", method: 1, params: "bar" }), failed("invalidRequest"));
  t.match(await dispatch("null"), failed("invalidRequest"));
  t.match(await dispatch("1"), failed("invalidRequest"));
  t.match(await dispatch({}), failed("invalidRequest"));
  t.match(await dispatch({ ...CANCEL, id, jsonrpc: "1.0" }), failed("invalidRequest", 1));
  t.match(await dispatch({ ...CANCEL, id, jsonrpc: undefined }), failed("invalidRequest", 1));
  t.match(await dispatch({ ...CANCEL, id, params: null }), failed("invalidRequest", 1));
  t.match(await dispatch({ ...CANCEL, id, params: "bar" }), failed("invalidRequest", 1));
  t.match(await dispatch({ ...CANCEL, id: {} }), failed("invalidRequest"));
  t.match(await dispatch({ ...CANCEL, id: true }), failed("invalidRequest"));
  t.match(await dispatch('{"jsonrpc":"2.0","method":"login/cancel","id":1e999}'), failed("invalidRequest"));
  t.same(calls, []);
});

t.test("a method that is not in the table is not found", async (t) => {
  const { dispatch } = dispatcherWith();
  for (const method of ["foobar", "", "constructor", "__proto__", "toString", "rpc.unheard"]) {
    t.match(await dispatch({ jsonrpc: "2.0", method, id: "1" }), failed("methodNotFound", "1"));
  }
});

t.test("an unknown method is repeated only in part", async (t) => {
  const { dispatch } = dispatcherWith();
  const answer = await dispatch({ jsonrpc: "2.0", method: "x".repeat(60_000), id: 1 });
  t.ok(JSON.stringify(answer).length < 300);
});

t.test("invalid params name the failing field, and never the value", async (t) => {
  const { dispatch, calls } = dispatcherWith();
  const outcome = async (params: unknown, method = "login/cancel") => {
    const answer = await dispatch({ jsonrpc: "2.0", method, params, id: 1 });
    t.match(answer, failed("invalidParams", 1));
    return JSON.stringify(answer);
  };
  t.match(await outcome({ loginId: "rt_secret_value" }), /loginId: /);
  t.notMatch(await outcome({ loginId: "rt_secret_value" }), /rt_secret_value/);
  t.match(await outcome({}), /loginId: /);
  t.match(await outcome(undefined), /loginId: /);
  t.match(await outcome([LOGIN_ID]), /expected object/);
  t.match(await outcome({ loginId: LOGIN_ID, more: 1 }), /more/);
  const childEnvironment = { cwd: "relative", variables: { HOME: 1 } };
  t.match(
    await outcome({ childEnvironment }, "token/get"),
    /childEnvironment\.cwd: must be an absolute path/,
  );
  t.match(await outcome({ childEnvironment }, "token/get"), /childEnvironment\.variables\.HOME: /);
  t.match(await outcome(JSON.parse('{"__proto__":{"codexHome":"/x"}}'), "token/get"), /__proto__/);
  t.same(calls, []);
});

t.test("an AuthError crosses with its number, code and advice", async (t) => {
  const { dispatch } = dispatcherWith({
    "login/cancel": async () => {
      throw new AuthError("ERR_ISSUER_UNAVAILABLE", "The issuer is away.", {
        retryAfterMs: 5,
        oauthError: "busy",
      });
    },
  });
  t.match(await dispatch({ ...CANCEL, id: 1 }), {
    error: {
      code: 1007,
      message: "The issuer is away.",
      data: { code: "ERR_ISSUER_UNAVAILABLE", retryable: true, retryAfterMs: 5, oauthError: "busy" },
    },
  });
});

t.test("any other failure is internal, without details, and logged", async (t) => {
  const secret = new Error("rt_secret_of_the_inside");
  const { dispatch, lines } = dispatcherWith({
    "login/cancel": async () => {
      throw secret;
    },
  });
  const answer = await dispatch({ ...CANCEL, id: 1 });
  t.match(answer, failed("internalError", 1));
  t.notMatch(JSON.stringify(answer), /secret/);
  t.match(lines, [{ event: "call.failed", method: "login/cancel", error: secret }]);
});

t.test("a request is answered under its own id", async (t) => {
  const { dispatch, calls } = dispatcherWith();
  for (const id of [1, 0, -1, 1.5, "1", "", null]) {
    t.same(await dispatch({ ...CANCEL, id }), { jsonrpc: "2.0", result: { cancelled: true }, id });
  }
  t.same(calls[0], { loginId: LOGIN_ID });
});

t.test("a notification runs and is not answered, whatever becomes of it", async (t) => {
  const { dispatch, calls } = dispatcherWith();
  t.equal(await dispatch(CANCEL), undefined);
  t.equal(calls.length, 1);
  t.equal(await dispatch({ jsonrpc: "2.0", method: "foobar" }), undefined);
  t.equal(await dispatch({ ...CANCEL, params: {} }), undefined);
});

t.test("batches", async (t) => {
  const { dispatch, calls } = dispatcherWith();
  t.match(await dispatch([]), failed("invalidRequest"), "an empty one is one invalid request");
  t.match(await dispatch([1]), [failed("invalidRequest")]);
  t.match(await dispatch([1, 2, 3]), Array(3).fill(failed("invalidRequest")));
  t.match(await dispatch([[CANCEL]]), [failed("invalidRequest")], "do not nest");
  t.equal(await dispatch([CANCEL, CANCEL]), undefined, "of notifications alone are not answered");
  t.equal(calls.length, 2);
  const mixed = await dispatch([
    { ...CANCEL, id: "1" },
    CANCEL,
    { foo: "boo" },
    { jsonrpc: "2.0", method: "foo.get", params: { name: "myself" }, id: "5" },
    { ...CANCEL, id: "9" },
  ]);
  t.match(mixed, [
    { result: { cancelled: true }, id: "1" },
    failed("invalidRequest"),
    failed("methodNotFound", "5"),
    { result: { cancelled: true }, id: "9" },
  ]);
});

t.test("a batch is bounded", async (t) => {
  const { dispatch, calls } = dispatcherWith();
  const batch = (length: number) => Array.from({ length }, (_, id) => ({ ...CANCEL, id }));
  t.match(await dispatch(batch(RPC_LIMITS.batchMaxCalls + 1)), failed("invalidRequest"));
  t.equal(calls.length, 0);
  t.match(await dispatch(batch(RPC_LIMITS.batchMaxCalls)), { length: RPC_LIMITS.batchMaxCalls });
});

t.test("depth is bounded", async (t) => {
  const { dispatch } = dispatcherWith();
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const request = (depth: number) =>
    `{"jsonrpc":"2.0","id":1,"method":"session/list","params":${nested(depth)}}`;
  t.match(await dispatch(nested(32_000)), failed("invalidRequest"));
  t.match(await dispatch(request(RPC_LIMITS.jsonMaxDepth)), { error: { message: /nested deeper/ } });
  t.match(await dispatch(request(RPC_LIMITS.jsonMaxDepth - 1)), failed("invalidParams", 1));
});

t.test("no body makes it reject, or answer anything but JSON-RPC", async (t) => {
  const { dispatcher } = dispatcherWith();
  const member = fc.oneof(
    fc.constant("login/cancel"),
    fc.constant("2.0"),
    fc.constant(CANCEL.params),
    fc.jsonValue(),
  );
  const message = fc.record(
    { jsonrpc: member, method: member, params: member, id: member },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    message.map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const answer = await dispatcher.dispatch(text, origin);
      for (const one of [answer].flat()) {
        if (one !== undefined && one.jsonrpc !== "2.0") throw new Error("no JSON-RPC");
      }
    }),
  );
  t.pass("100 bodies");
});

t.test(
  "the audit trail gets what was done and what was refused, with its subject, and nothing of the rest",
  async (t) => {
    const { dispatch, audited } = dispatcherWith({
      "login/cancel": async ({ loginId }, { subject }) => {
        subject.loginId = loginId;
        return { cancelled: true };
      },
      "session/logout": async () => {
        throw new AuthError("ERR_STORAGE_UNAVAILABLE", "The disk is full.");
      },
      "session/list": async () => ({ sessions: [] }),
    });
    await dispatch([
      { ...CANCEL, id: 1 },
      { jsonrpc: "2.0", method: "session/logout", id: 2 },
      { jsonrpc: "2.0", method: "session/refresh", params: { codexHome: 1 }, id: 3 },
      { jsonrpc: "2.0", method: "session/list", id: 4 },
    ]);
    const byAction = (one: AuditEntry, other: AuditEntry) => one.action.localeCompare(other.action);
    t.same(audited.sort(byAction), [
      { caller: NOBODY, action: "login/cancel", decision: "allowed", code: undefined, loginId: LOGIN_ID },
      { caller: NOBODY, action: "session/logout", decision: "refused", code: "ERR_STORAGE_UNAVAILABLE" },
      { caller: NOBODY, action: "session/refresh", decision: "refused", code: "invalidParams" },
    ]);
  },
);
