/** docs/login-matrix.md from what was tried. */
import type { EnvironmentRow } from "./environments.js";
import type { AnswerRow } from "./issuer-answers.js";
import type { PortRow } from "./port-states.js";

export interface Matrix {
  readonly environments: readonly EnvironmentRow[];
  readonly answers: readonly AnswerRow[];
  readonly ports: readonly PortRow[];
}

const HEAD = `# Every way to log in, everywhere

Written by \`WRITE_LOGIN_MATRIX=1 npx tap test/dist/journeys/login-matrix.test.js\`, which tries each cell with the real daemon, the real CLI
and a strict issuer, and fails when this page says something else. A cell is success, or the sentence that the person reads; behind each
sentence is the name of the error, of which [errors.md](errors.md) says more. Ports are shown as Codex's own 1455 and 1457.

The four questions (where is the caller, who holds the port, what does the browser do, what does the issuer say) are asked one after the
other, and no answer looks at an earlier one:

1. The environment decides the kind of login and nothing else: a pure function, whose whole table is \`test/shared/login-flow.test.ts\`.
2. A browser login takes its port before anything opens. The same pair of ports between our daemon and the real \`codex login\` is tried in
   \`test/system/callback-ports-inside.ts\`.
3. The browser decides how the issuer's answer comes back: by itself, or pasted.
4. The issuer is asked only then, and does not know of the first three.

So each cell of the whole is one cell of each table below: environments that lead to the same login share their further cells, and a login
with a code has neither port nor browser. What is sent to the issuer is compared with Codex in [upstream-requests.md](upstream-requests.md).
`;

export function matrixPage({ environments, answers, ports }: Matrix): string {
  return [
    HEAD,
    "## Where the caller is\n",
    "With an issuer that approves. With a login that is there already, nothing begins anywhere.\n",
    table(
      ["where", "login", "because", "what helps, or would change it", "comes to", "with a login"],
      environments.map(({ where, flow, reason, advice, result, withLogin }) => [
        where,
        flow,
        reason,
        advice,
        result,
        withLogin,
      ]),
    ),
    "## Who holds the port, and what the browser does\n",
    'On a desktop. "Elsewhere" is a browser on another machine, whose last address is pasted. "Opens and closes" is a person who closes the',
    "browser and then presses Ctrl-C; who does nothing at all is a row of the next table. When no port can be had, nothing opens.\n",
    table(
      ["port", "opens", "no browser: the person opens the address", "opens elsewhere", "opens and closes"],
      ports.map(({ port, opens, none, elsewhere, closes }) => [port, opens, none, elsewhere, closes]),
    ),
    "## What the issuer answers\n",
    "In WSL, where the browser does not come back: after three minutes a code takes its place; when there is none to be had, the address",
    "stays valid, and here the person tries it again.\n",
    table(
      ["the issuer", "browser", "code", "WSL, browser does not come back"],
      answers.map(({ answer, browser, device, wsl }) => [answer, browser, device, wsl]),
    ),
  ].join("\n");
}

/** A sentence need not be read twice in a row of the table. */
const REPEATED_FROM_LENGTH = 60;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = (cell: string, index: number, cells: readonly string[]): string =>
    cell.length >= REPEATED_FROM_LENGTH && cell === cells[index - 1]
      ? "the same"
      : cell.replaceAll("|", "\\|");
  const line = (cells: readonly string[]): string => `| ${cells.map(shown).join(" | ")} |`;
  return `${[line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n")}\n`;
}
