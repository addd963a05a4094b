import { METHODS, type OpenRpcDocument } from "@codex-authd/shared/schema";
import t from "tap";
import { z } from "zod";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { openRpcViolations, resultViolations } from "../helpers/open-rpc.js";
import { post } from "../helpers/socket-call.js";

const issuer = await startAuthorizationServer(t);
const daemon = await startDaemon(t, { issuer });
writeLogin(daemon.codexHome, issuer);

async function call(method: string, params: unknown = {}): Promise<unknown> {
  const { body } = await post(daemon.socket, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
  return JSON.parse(body).result;
}

const document = (await call("rpc.discover")) as OpenRpcDocument;

t.test("rpc.discover answers a document that OpenRPC's meta-schema accepts", async (t) => {
  t.same(openRpcViolations(document), []);
  t.not(openRpcViolations({ ...document, methods: [{ params: [] }] }).length, 0, "and it can refuse one");
});

t.test("the document has every method of the table, with all of its parameters and errors", async (t) => {
  t.same(
    document.methods.map(({ name }) => name),
    Object.keys(METHODS),
  );
  for (const { name, params, errors, summary } of document.methods) {
    const row = METHODS[name as keyof typeof METHODS];
    const { properties = {} } = z.toJSONSchema(row.params, { io: "input" });
    t.same(
      params.map((param) => param.name),
      Object.keys(properties),
      name,
    );
    t.same(
      errors.map(({ $ref }) => $ref.replace("#/components/errors/", "")),
      row.errors,
    );
    t.match(summary, /^[A-Z].+\.$/);
  }
});

t.test("every reference of the document leads somewhere", async (t) => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
    ([, path = ""]) => path,
  );
  t.ok(references.length > 2);
  for (const path of new Set(references)) {
    const target = path
      .split("/")
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    t.ok(target, path);
  }
});

t.test("what the daemon answers is what the document says", async (t) => {
  const calls = {
    "daemon/status": {},
    "session/list": {},
    "session/status": { codexHome: daemon.codexHome },
    "token/get": { codexHome: daemon.codexHome },
    "login/begin": { codexHome: daemon.codexHome, flow: "browser" },
  };
  for (const [method, params] of Object.entries(calls)) {
    t.same(resultViolations(document, method, await call(method, params)), [], method);
  }
  t.not(
    resultViolations(document, "session/status", { codexHome: 1 }).length,
    0,
    "and it can refuse an answer",
  );
});

t.test("results stay open, for fields are added in later versions", async (t) => {
  t.equal(document.components.schemas.SessionStatus?.additionalProperties, undefined);
  t.equal(document.components.schemas.ChildEnvironment?.additionalProperties, false);
});
