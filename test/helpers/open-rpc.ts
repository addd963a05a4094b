/** Validates OpenRPC documents against the specification's own meta-schema, and answers against a document. */
import { createRequire } from "node:module";
import type { OpenRpcDocument } from "@codex-authd/shared/schema";
import { Ajv, type AnySchemaObject } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

/** CommonJS, whose types say nothing of what they export. */
const load = createRequire(import.meta.url);
const openRpcMetaSchema: AnySchemaObject = load("@open-rpc/meta-schema").default;
const jsonMetaSchema: AnySchemaObject = load("@json-schema-tools/meta-schema").default;

const LENIENT = { strict: false, validateFormats: false } as const;

/** What in `document` departs from OpenRPC; empty when nothing does. */
export function openRpcViolations(document: unknown): string[] {
  const ajv = new Ajv(LENIENT);
  ajv.addMetaSchema(withOneSpelling(jsonMetaSchema));
  const validate = ajv.compile(withOneSpelling(openRpcMetaSchema));
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/** Both name the schema of JSON Schema, with and without a slash. */
function withOneSpelling(schema: AnySchemaObject): AnySchemaObject {
  const text = JSON.stringify(schema).replaceAll(
    /https:\/\/meta\.json-schema\.tools\/?/g,
    "https://json-schema.example/meta",
  );
  return JSON.parse(text);
}

/** What in the result of a method departs from what `document` says of it. */
export function resultViolations(document: OpenRpcDocument, method: string, result: unknown): string[] {
  const described = document.methods.find(({ name }) => name === method)?.result.schema;
  if (!described) return [`${method} is not in the document`];
  const { components } = document;
  const validate = new Ajv2020(LENIENT).compile({ ...described, components });
  validate(result);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${method}${instancePath}: ${message}`);
}
