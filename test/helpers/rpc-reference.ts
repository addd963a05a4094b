/** docs/api/rpc.md: the OpenRPC document as a page that a person reads. */
import type { OpenRpcDocument } from "@codex-authd/shared/schema";

type Method = OpenRpcDocument["methods"][number];
type Schema = Readonly<Record<string, unknown>>;

const HEAD = `# The methods of the socket

Generated from the table in shared/src/protocol by \`WRITE_DOCS=1 npx tap test/dist/docs/rpc-reference.test.js\`; a test keeps it true. The same
as an [OpenRPC](https://open-rpc.org) document, for a client in another language: call \`rpc.discover\`.
[examples/python/codex_auth.py](../../examples/python/codex_auth.py) is such a client.

JSON-RPC 2.0 over HTTP on the Unix-domain socket: \`POST /v1/rpc\` with \`Host: localhost\` and \`Content-Type: application/json\`, one request or
a batch. Parameters are objects; those without "required" may be left out. Results get new fields in later versions, and none changes its
meaning. Errors are in [errors.md](../errors.md). Two routes are not JSON-RPC: \`GET /v1/token\` answers the access token as text, and
\`GET /v1/events\` is a stream of server-sent events.
`;

/** The whole page. */
export function rpcReference(document: OpenRpcDocument): string {
  const { methods, components } = document;
  return [
    HEAD,
    ...methods.map(methodSection),
    "## Shapes that occur in several places\n",
    ...Object.entries(components.schemas).map(([name, schema]) => `### ${name}\n\n${fieldTable(schema)}`),
    "## Events\n",
    "`id` is the generation, `event` the name; a stream begins with `snapshot`.\n",
    ...Object.entries(document["x-events"]).map(([name, schema]) => `### ${name}\n\n${fieldTable(schema)}`),
  ].join("\n");
}

function methodSection({ name, summary, params, result, errors }: Method): string {
  const rows = params.map(({ name: param, required, schema }) =>
    row(param, schema, required ? "required" : ""),
  );
  const codes = errors.map(({ $ref }) => `\`${$ref.replace("#/components/errors/", "")}\``);
  return [
    `## ${name}\n`,
    `${summary}\n`,
    ...(rows.length === 0 ? ["No parameters.\n"] : [`${table(["parameter", "type", ""], rows)}`]),
    `Answers ${typeof result.schema.$ref === "string" ? `${link(result.schema.$ref)}.` : `an object:\n\n${fieldTable(result.schema)}`}`,
    ...(codes.length === 0 ? [] : [`\nErrors: ${codes.join(", ")}.`]),
    "",
  ].join("\n");
}

function fieldTable(schema: Schema): string {
  const variants = (schema.oneOf ?? schema.anyOf) as Schema[] | undefined;
  if (variants) return variants.map(fieldTable).join("\nor\n\n");
  const rows = Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(([name, field]) =>
    row(name, field, (schema.required as string[] | undefined)?.includes(name) ? "" : "optional"),
  );
  return table(["field", "type", ""], rows);
}

function row(name: string, schema: Schema, remark: string): string[] {
  const words = [remark, typeof schema.description === "string" ? schema.description : ""].filter(Boolean);
  return [`\`${name}\``, typeOf(schema), words.join(". ").replaceAll("|", "\\|")];
}

function typeOf(schema: Schema): string {
  const variants = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (variants) return variants.map(typeOf).join(" or ");
  if (typeof schema.$ref === "string") return link(schema.$ref);
  if ("const" in schema) return `\`${JSON.stringify(schema.const)}\``;
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.type === "array") return `list of ${typeOf(schema.items as Schema)}`;
  if (schema.properties) {
    const fields = Object.entries(schema.properties as Record<string, Schema>);
    return `{ ${fields.map(([name, field]) => `${name}: ${typeOf(field)}`).join(", ")} }`;
  }
  return [schema.type].flat().join(" or ");
}

function link(reference: string): string {
  const name = reference.split("/").at(-1) ?? "";
  return `[${name}](#${name.toLowerCase()})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |");
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line), ""].join("\n");
}
