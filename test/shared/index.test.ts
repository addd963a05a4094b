import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as contract from "@codex-authd/shared";
import * as schema from "@codex-authd/shared/schema";
import t from "tap";
import { importsOf } from "../helpers/source-text.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const DIST = dirname(fileURLToPath(import.meta.resolve("@codex-authd/shared")));

const VALUES = [
  "AUTH_ERRORS",
  "AUTH_MODES",
  "AuthError",
  "CHILD_ENVIRONMENT_VARIABLES",
  "CHILD_KINDS",
  "CLIENT_ERRORS",
  "CLIENT_HEADER",
  "CONTAINER_MARKERS",
  "JSON_RPC_ERRORS",
  "PLAN_TYPES",
  "PROTOCOL_HEADER",
  "PROTOCOL_VERSION",
  "Redacted",
  "SECRET_VARIABLES",
  "SOCKET_PATH_MAX_BYTES",
  "canonicalPlanType",
  "checkedSocketPath",
  "childEnvironmentFrom",
  "chooseCredential",
  "chooseFlow",
  "codexHomePath",
  "configPath",
  "fingerprint",
  "fromErrorObject",
  "isApiMode",
  "logPath",
  "sleep",
  "socketLockPath",
  "socketPaths",
  "stateFolder",
  "systemClock",
  "toErrorObject",
  "withDeadline",
];

const TYPES = [
  "AuthErrorCode",
  "AuthErrorOptions",
  "AuthMode",
  "ChildEnvironment",
  "ChildEnvironmentVariable",
  "ChildKind",
  "ClientErrorCode",
  "Clock",
  "ContainerMarker",
  "CredentialFacts",
  "Environment",
  "EpochMs",
  "ErrorRow",
  "FlowChoice",
  "JsonRpcErrorObject",
  "JsonRpcFailure",
  "JsonRpcId",
  "JsonRpcRequest",
  "JsonRpcResponse",
  "JsonRpcSuccess",
  "LoginChangedEvent",
  "LoginWish",
  "MethodName",
  "MethodParams",
  "MethodResult",
  "PlanType",
  "Seconds",
  "SessionChangedEvent",
  "SessionStatus",
  "SnapshotEvent",
  "StoredFacts",
];

const SCHEMA_VALUES = ["DISCOVER_METHOD", "EVENTS", "LOGIN_AWAIT_MAX_MS", "METHODS", "openRpcDocument"];
const SCHEMA_TYPES = ["MethodName", "MethodParams", "MethodResult", "OpenRpcDocument", "Scope"];

t.test("the public names", async (t) => {
  t.test("of the root entry are these and no others", async (t) => {
    t.same(Object.keys(contract).sort(), VALUES);
    t.same(typesOf("index"), TYPES);
  });
  t.test("of ./schema are these and no others", async (t) => {
    t.same(Object.keys(schema).sort(), SCHEMA_VALUES);
    t.same(typesOf("schema"), SCHEMA_TYPES);
  });
});

t.test("the root entry loads no package", async (t) => {
  t.test("by its import graph: only its own files and node's crypto and path", async (t) => {
    t.same(packagesBehind("index.js"), ["node:crypto", "node:path"]);
    t.ok(packagesBehind("schema.js").includes("zod"), "the walk would see zod");
  });
  t.test("by running where there is no package to load", async (t) => {
    const folder = temporaryFolder(t);
    cpSync(DIST, folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    await t.resolves(load(folder, "index.js"));
    await t.rejects(
      load(folder, "schema.js"),
      /ERR_MODULE_NOT_FOUND[\s\S]*zod|zod[\s\S]*ERR_MODULE_NOT_FOUND/,
    );
  });
});

t.test("the protocol's constants", async (t) => {
  t.equal(contract.PROTOCOL_VERSION, 1);
  t.equal(contract.PROTOCOL_HEADER, "codex-authd-protocol");
});

/** The exported types of an entry, sorted: what is in its declarations and not there at run time. */
function typesOf(entry: "index" | "schema"): string[] {
  const declarations = readFileSync(join(DIST, `${entry}.d.ts`), "utf8");
  const declared = [...declarations.matchAll(/^export type (\w+)/gm)].map(([, name]) => name ?? "");
  const listed = [...declarations.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(
    ([, type, names = ""]) => {
      const trimmed = names.split(",").map((name) => name.trim());
      return trimmed
        .filter((name) => name && (type || name.startsWith("type ")))
        .map((name) => name.replace("type ", ""));
    },
  );
  return [...declared, ...listed].sort();
}

/** Everything that is no relative import in the graph of a compiled file, sorted. */
function packagesBehind(entry: string): string[] {
  const packages = new Set<string>();
  const seen = new Set<string>();
  function visit(path: string): void {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { specifier } of importsOf(readFileSync(path, "utf8"))) {
      if (specifier.startsWith(".")) visit(join(dirname(path), specifier));
      else packages.add(specifier);
    }
  }
  visit(join(DIST, entry));
  return [...packages].sort();
}

function load(folder: string, entry: string): Promise<unknown> {
  const program = `await import(${JSON.stringify(join(folder, entry))});`;
  return promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
    timeout: 60_000,
  });
}
