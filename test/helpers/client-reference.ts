/** docs/api/client.md: what the client package exports, from the declarations that are published with it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const HEAD = `# The client library

Generated from the published declarations by \`WRITE_DOCS=1 npx tap test/dist/docs/client-reference.test.js\`; a test keeps it true. How to use
it: the [README](../../README.md), [hosting-app-servers.md](../guides/hosting-app-servers.md), and the programs in [examples](../../examples).
What the daemon answers is described in [rpc.md](rpc.md), errors in [errors.md](../errors.md).
`;

/** Names that another page describes. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  AUTH_ERRORS: "The catalogue of errors that may cross the socket: [errors.md](../errors.md).",
  AuthErrorCode: "Its codes.",
  CLIENT_ERRORS: "The catalogue of errors of the client's own side: [errors.md](../errors.md).",
  ClientErrorCode: "Its codes.",
  SessionStatus: "A session as everybody may see it: [rpc.md](rpc.md#sessionstatus).",
};

/** The whole page. */
export function clientReference(): string {
  return [
    HEAD,
    "## @codex-authd/client\n",
    ...entry("client/dist/index.d.ts"),
    "## @codex-authd/client/app-server\n",
    ...entry("client/dist/app-server/index.d.ts"),
  ].join("\n");
}

function entry(path: string): string[] {
  return exportsOf(path).map(({ name, from }) => {
    const words = ELSEWHERE[name] ?? `\`\`\`ts\n${declarationOf(name, from)}\n\`\`\``;
    return `### ${name}\n\n${words}\n`;
  });
}

interface Exported {
  readonly name: string;
  /** The declaration file, below the root of the repository. */
  readonly from: string;
}

/** An entry has explicit named exports alone. */
function exportsOf(path: string): Exported[] {
  const lists = read(path).matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm);
  return [...lists].flatMap(([, names = "", specifier = ""]) => {
    const from = specifier.startsWith(".")
      ? join(dirname(path), specifier.replace(/\.js$/, ".d.ts"))
      : "shared/dist/index.d.ts";
    const list = names.split(",").map((name) => name.trim().replace(/^type /, ""));
    return list.filter((name) => name !== "").map((name) => ({ name, from }));
  });
}

/** A declaration with the comment before it, as the compiler wrote it; followed through what only hands it on. */
function declarationOf(name: string, path: string): string {
  const handedOn = exportsOf(path).find((exported) => exported.name === name);
  if (handedOn) return declarationOf(name, handedOn.from);
  const head = new RegExp(
    `^export (?:declare )?(?:abstract )?(?:class|function|interface|type|const) ${name}\\b`,
  );
  const found = statementsOf(read(path)).find(({ code }) => head.test(code));
  if (!found) throw new Error(`${path} declares no ${name}.`);
  return `${found.comment}${found.code.replace(/^export (?:declare )?/, "")}`.trimEnd();
}

/** The compiler begins every statement, and the comment that belongs to it, at the start of a line. */
function statementsOf(text: string): { comment: string; code: string }[] {
  const parts = text.split(/^(?=\/\*\*|export |import |declare |interface |type |\/\/#)/m);
  return parts.map((code, index) => {
    const before = parts[index - 1] ?? "";
    return { comment: before.startsWith("/**") ? before : "", code };
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
