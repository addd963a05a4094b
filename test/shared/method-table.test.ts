import { AUTH_ERRORS, fingerprint } from "@codex-authd/shared";
import {
  EVENTS,
  LOGIN_AWAIT_MAX_MS,
  METHODS,
  type MethodName,
  type MethodParams,
} from "@codex-authd/shared/schema";
import t from "tap";
import { z } from "zod";

const LOGIN_ID = "7b1f6a52-3c86-4f0e-9a55-0f6d3c1f8e21";
const names = Object.keys(METHODS) as MethodName[];

/** The least that each method takes: whoever adds a row adds one here, or this does not compile. */
const LEAST: { readonly [M in MethodName]: MethodParams<M> } = {
  "daemon/shutdown": {},
  "daemon/status": {},
  "login/await": { loginId: LOGIN_ID },
  "login/begin": {},
  "login/cancel": { loginId: LOGIN_ID },
  "login/complete": { loginId: LOGIN_ID, redirectUrl: "http://localhost:1455/auth/callback?state=x" },
  "login/explain": {},
  "session/explain": {},
  "session/list": {},
  "session/logout": {},
  "session/refresh": {},
  "session/status": {},
  "token/get": {},
};

const SELECTING: readonly MethodName[] = [
  "login/begin",
  "login/explain",
  "session/explain",
  "session/logout",
  "session/refresh",
  "session/status",
  "token/get",
];

function accepts(method: MethodName, params: object): boolean {
  return METHODS[method].params.safeParse({ ...LEAST[method], ...params }).success;
}

t.test("the table", async (t) => {
  t.test("holds the methods of the protocol, sorted", async (t) => {
    t.same(names, Object.keys(LEAST));
    t.same(names, [...names].sort());
  });
  t.test("can answer every error", async (t) => {
    const answered = new Set<string>(names.flatMap((name) => [...METHODS[name].errors]));
    t.same(
      Object.keys(AUTH_ERRORS).filter((code) => !answered.has(code)),
      [],
    );
  });
});

for (const name of names) {
  const { params, result, scope, errors } = METHODS[name];
  t.test(name, async (t) => {
    t.test("refuses an unknown key, a list, and nothing", async (t) => {
      t.notOk(accepts(name, { unheardOf: 1 }));
      t.notOk(params.safeParse([]).success);
      t.notOk(params.safeParse(undefined).success);
      t.notOk(params.safeParse(null).success);
    });
    t.test("takes the least that it needs", async (t) => {
      t.same(params.parse(LEAST[name]), LEAST[name]);
    });
    t.test("is named noun/verb and has a scope", async (t) => {
      t.match(name, /^[a-z]+\/[a-z]+$/);
      t.ok(["status", "token", "login", "daemon"].includes(scope));
    });
    t.test("names errors of the catalogue, each once", async (t) => {
      t.same([...new Set(errors)], [...errors]);
      t.same(
        errors.filter((code) => !Object.hasOwn(AUTH_ERRORS, code)),
        [],
      );
    });
    t.test("has a JSON schema on both sides, closed on the caller's", async (t) => {
      const schema = z.toJSONSchema(params, { io: "input", unrepresentable: "throw" });
      t.equal(schema.type, "object");
      t.equal(schema.additionalProperties, false);
      t.ok(z.toJSONSchema(result, { unrepresentable: "throw" }));
    });
  });
}

t.test("a session is selected", async (t) => {
  for (const name of SELECTING) {
    t.test(`by ${name}, which refuses a relative or overlong folder`, async (t) => {
      const refused = ["", ".codex", "./x", "~/.codex", `/${"x".repeat(4096)}`, 1, null];
      for (const path of refused) {
        t.notOk(accepts(name, { codexHome: path }), String(path).slice(0, 20));
        t.notOk(accepts(name, { childEnvironment: { cwd: path, variables: {} } }), String(path).slice(0, 20));
      }
      t.ok(accepts(name, { codexHome: `/${"x".repeat(4095)}` }));
    });
    t.test(`by ${name}, which refuses variables outside the allow-list`, async (t) => {
      for (const variable of ["OPENAI_API_KEY", "PATH", "codex_home", "constructor"]) {
        const variables = { HOME: "/home/me", [variable]: "x" };
        t.notOk(accepts(name, { childEnvironment: { cwd: "/", variables } }), variable);
      }
      t.notOk(accepts(name, { childEnvironment: { cwd: "/", variables: { HOME: "x".repeat(4097) } } }));
      t.notOk(accepts(name, { childEnvironment: { cwd: "/", variables: { HOME: null } } }));
      t.notOk(accepts(name, { childEnvironment: { cwd: "/" } }));
      t.notOk(accepts(name, { childEnvironment: { cwd: "/", variables: {}, unheardOf: 1 } }));
      t.ok(accepts(name, { childEnvironment: { cwd: "/", variables: { HOME: "/home/me", container: "" } } }));
    });
  }
});

t.test("variables take no values from a prototype that a caller names", async (t) => {
  const variables = JSON.parse('{"__proto__":{"HOME":"/home/other"}}');
  const parsed = METHODS["session/status"].params.parse({ childEnvironment: { cwd: "/", variables } });
  t.equal(parsed.childEnvironment?.variables.HOME, undefined);
});

t.test("a fingerprint is 64 lower-case hex digits", async (t) => {
  const valid = fingerprint("an access token");
  for (const method of ["session/refresh", "token/get"] as const) {
    for (const wrong of [
      valid.toUpperCase(),
      valid.slice(1),
      `${valid}0`,
      `${valid}\n`,
      "",
      "eyJhbGciOi",
      1,
    ]) {
      t.notOk(accepts(method, { rejectedToken: wrong }), `${method} ${wrong}`);
    }
    t.ok(accepts(method, { rejectedToken: valid }));
  }
});

t.test("numbers are bounded", async (t) => {
  const bounds = [
    ["token/get", "minValidityMs", 86_400_000],
    ["login/await", "timeoutMs", LOGIN_AWAIT_MAX_MS],
    ["login/begin", "callbackPort", 65_535],
  ] as const;
  for (const [method, key, max] of bounds) {
    t.test(`${key} of ${method}: whole, from 0 to ${max}`, async (t) => {
      for (const wrong of [-1, max + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null]) {
        t.notOk(accepts(method, { [key]: wrong }), String(wrong));
      }
      t.ok(accepts(method, { [key]: 0 }));
      t.ok(accepts(method, { [key]: max }));
    });
  }
});

t.test("a login is named by its UUID", async (t) => {
  for (const method of ["login/await", "login/cancel", "login/complete"] as const) {
    for (const wrong of ["", "1", `${LOGIN_ID} `, "../../etc/passwd", 1, undefined]) {
      t.notOk(accepts(method, { loginId: wrong }), `${method} ${wrong}`);
    }
  }
});

t.test("login/begin knows its flows, and login/complete the longest URL", async (t) => {
  t.notOk(accepts("login/begin", { flow: "password" }));
  for (const flow of ["auto", "browser", "device"]) t.ok(accepts("login/begin", { flow }), flow);
  t.notOk(accepts("login/complete", { redirectUrl: "x".repeat(8193) }));
  t.ok(accepts("login/complete", { redirectUrl: "x".repeat(8192) }));
});

t.test("events have JSON schemas", async (t) => {
  t.same(Object.keys(EVENTS), ["snapshot", "session/changed", "login/changed"]);
  for (const schema of Object.values(EVENTS)) t.equal(z.toJSONSchema(schema).type, "object");
});

t.test("no result has a place for a refresh token, an id token or a code", async (t) => {
  const schemas = [...names.map((name) => METHODS[name].result), ...Object.values(EVENTS)];
  for (const schema of schemas) {
    t.notMatch(
      JSON.stringify(z.toJSONSchema(schema)),
      /refreshToken|idToken|verifier|"code_|authorizationCode/i,
    );
  }
});
