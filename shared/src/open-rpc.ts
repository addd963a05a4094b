/** The table of methods as an OpenRPC document (https://spec.open-rpc.org, 1.3.2): what `rpc.discover` answers. */
import { z } from "zod";
import { AUTH_ERRORS } from "./errors/codes.js";
import { EVENTS } from "./protocol/events.js";
import { METHODS, type MethodRow } from "./protocol/methods.js";
import { childEnvironment, sessionStatus } from "./protocol/session.js";
import { PROTOCOL_VERSION } from "./protocol/version.js";

/** The method that answers this document, by the name that the OpenRPC specification gives it. */
export const DISCOVER_METHOD = "rpc.discover";

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface OpenRpcParam {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

export interface OpenRpcMethod {
  readonly name: string;
  readonly summary: string;
  readonly paramStructure: "by-name";
  readonly params: readonly OpenRpcParam[];
  readonly result: { readonly name: string; readonly schema: JsonSchema };
  readonly errors: readonly { readonly $ref: string }[];
  /** What the caller needs to be allowed. */
  readonly "x-scope": string;
}

export interface OpenRpcError {
  readonly code: number;
  readonly message: string;
  /** What the error object's own `data` holds at least. */
  readonly data: { readonly code: string; readonly retryable: boolean };
}

export interface OpenRpcDocument {
  readonly openrpc: "1.3.2";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly methods: readonly OpenRpcMethod[];
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly errors: Readonly<Record<string, OpenRpcError>>;
  };
  /** Name of a server-sent event → schema of its data. */
  readonly "x-events": Readonly<Record<string, JsonSchema>>;
}

const DESCRIPTION =
  "JSON-RPC 2.0 over HTTP on a Unix-domain socket: POST /v1/rpc with Host `localhost` and content-type application/json. " +
  "GET /v1/events is a stream of server-sent events (x-events), which begins with a snapshot; GET /v1/token answers " +
  `the access token as text. Protocol version ${PROTOCOL_VERSION}: fields are only ever added.`;

/** Schemas that stand in several places and have a name of their own. */
const NAMED = { ChildEnvironment: childEnvironment, SessionStatus: sessionStatus } as const;

/** The document of a daemon of this version. */
export function openRpcDocument(version: string): OpenRpcDocument {
  const rows = Object.entries<MethodRow>(METHODS);
  const inputs = describeSchemas(
    rows.map(([, row]) => row.params),
    "input",
  );
  const outputs = describeSchemas([...rows.map(([, row]) => row.result), ...Object.values(EVENTS)], "output");
  return {
    openrpc: "1.3.2",
    info: { title: "codex-authd", version, description: DESCRIPTION },
    methods: rows.map(([name, row]) => ({
      name,
      summary: row.summary,
      paramStructure: "by-name",
      params: describeParams(inputs.of(row.params)),
      result: { name: "result", schema: outputs.of(row.result) },
      errors: row.errors.map((code) => ({ $ref: `#/components/errors/${code}` })),
      "x-scope": row.scope,
    })),
    components: { schemas: { ...inputs.named, ...outputs.named }, errors: describeErrors() },
    "x-events": Object.fromEntries(
      Object.entries(EVENTS).map(([name, schema]) => [name, outputs.of(schema)]),
    ),
  };
}

interface DescribedSchemas {
  of(schema: z.ZodType): JsonSchema;
  /** Those of {@link NAMED} that occur. */
  readonly named: Readonly<Record<string, JsonSchema>>;
}

/** All in one go, so that what occurs twice is referred to and not repeated. */
function describeSchemas(schemas: readonly z.ZodType[], io: "input" | "output"): DescribedSchemas {
  const ids = new Map<z.ZodType, string>(Object.entries(NAMED).map(([name, schema]) => [schema, name]));
  for (const schema of schemas) if (!ids.has(schema)) ids.set(schema, `anonymous${ids.size}`);
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of ids) registry.add(schema, { id });
  const described = z.toJSONSchema(registry, { io, uri: referenceTo, override: loosened(io) })
    .schemas as Record<string, JsonSchema>;
  return {
    of: (schema) => {
      const id = ids.get(schema) ?? "";
      return Object.hasOwn(NAMED, id) ? { $ref: referenceTo(id) } : plain(described[id]);
    },
    named: Object.fromEntries(
      Object.keys(NAMED)
        .filter((name) => JSON.stringify(described).includes(`"$ref":"${referenceTo(name)}"`))
        .map((name) => [name, plain(described[name])]),
    ),
  };
}

/** Results get new fields in later versions; and that a number is a safe integer goes without saying. */
function loosened(io: "input" | "output"): (context: { jsonSchema: z.core.JSONSchema.BaseSchema }) => void {
  return ({ jsonSchema }) => {
    if (io === "output") delete jsonSchema.additionalProperties;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  };
}

function referenceTo(id: string): string {
  return `#/components/schemas/${id}`;
}

/** A schema inside a document of its own needs no address. */
function plain(schema: JsonSchema = {}): JsonSchema {
  const { $schema, $id, ...rest } = schema;
  return rest;
}

function describeParams(schema: JsonSchema): OpenRpcParam[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, JsonSchema>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, described]) => ({
    name,
    required: required.includes(name),
    schema: described,
  }));
}

function describeErrors(): OpenRpcDocument["components"]["errors"] {
  return Object.fromEntries(
    Object.entries(AUTH_ERRORS).map(([code, { number, meaning, remedy, retryable }]) => [
      code,
      { code: number, message: `${meaning} ${remedy}`, data: { code, retryable } },
    ]),
  );
}
