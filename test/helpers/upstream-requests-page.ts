/** docs/upstream-requests.md: what goes to the issuer, field by field beside what codex-cli 0.169.0 sends. */
import {
  DIFFERENCES,
  REFRESH_REASONS,
  REQUESTS_NOT_MADE,
  type RequestName,
  type RequestShape,
  UPSTREAM_REQUESTS,
} from "../fixtures/upstream-requests.js";

const HEAD = `# Requests to the issuer

What codex-cli 0.169.0 sends, and what codex-authd sends, field by field in their order on the wire. Written from
\`test/fixtures/upstream-requests.ts\` by \`WRITE_DOCS=1 npx tap test/dist/journeys/upstream-requests.test.js\`. That test holds our requests
to this page, and those of the real Codex too: its device login, refresh and revocation are run each time, its browser login is a
recorded one (and a real one in \`test/system\`). A value in angle brackets differs each time. \`host\` and \`content-length\` are the
connection's and not compared. Tokens and codes never stand in an address of ours.
`;

const TITLES: Readonly<Record<RequestName, string>> = {
  authorization: "The page that the browser opens",
  codeExchange: "The code of a browser login for tokens",
  deviceAuthorization: "A code to show",
  devicePoll: "Has the person entered it?",
  deviceCodeExchange: "The code of a device login for tokens",
  refresh: "Refresh",
  revocation: "Revocation, with `logout --revoke` only",
};

export function upstreamRequestsPage(): string {
  return [
    HEAD,
    ...Object.entries(UPSTREAM_REQUESTS).map(([name, shape]) => section(name as RequestName, shape)),
    "## `refresh_reason`\n",
    table(
      ["what led to the refresh", "value of both"],
      Object.entries(REFRESH_REASONS).map(([cause, reason]) => [cause, `\`${reason}\``]),
    ),
    "## Requests of Codex that we do not make\n",
    table(
      ["request", "why not"],
      REQUESTS_NOT_MADE.map(({ request, reason }) => [request, reason]),
    ),
  ].join("\n");
}

function section(name: RequestName, { method, path, headers, parameters }: RequestShape): string {
  const fields = [...Object.entries(headers), ...Object.entries(parameters)];
  const rows = fields.map(([field, value]) => row(name, field, value));
  const added = differencesOf(name).filter(({ upstream }) => upstream === null);
  const ours = added.map(({ field, ours, reason }) => [`\`${field}\``, "not sent", `\`${ours}\``, reason]);
  return `## ${TITLES[name]}\n\n\`${method} ${path}\`\n\n${table(["field", "Codex", "codex-authd", "why"], [...ours, ...rows])}`;
}

function row(name: RequestName, field: string, value: string): string[] {
  const difference = differencesOf(name).find((one) => one.field === field && one.upstream === value);
  if (!difference) return [`\`${field}\``, `\`${value}\``, "the same", ""];
  return [`\`${field}\``, `\`${value}\``, `\`${difference.ours}\``, difference.reason];
}

function differencesOf(name: RequestName) {
  return DIFFERENCES.filter(({ requests }) => requests.includes(name));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |");
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line), ""].join("\n");
}
