/** The completion scripts in the shells that they are for. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createProgram } from "#client/cli/program.js";
import { processTerminal } from "#client/cli/terminal.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { createPlace } from "../helpers/daemon-place.js";
import { requireTools, runTool } from "../helpers/system-tool.js";

requireTools("bash", "fish", "zsh");

const place = createPlace(t, { issuer: await startAuthorizationServer(t) });
mkdirSync(join(place.home, "a folder"));

/** A command line up to the cursor, as words, and all that is offered for the last one. */
const OFFERS: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [["lo"], ["login", "logout"]],
  [["login", "--dev"], ["--device"]],
  [["--json"], []],
  [
    ["daemon", "st"],
    ["start", "status", "stop"],
  ],
  [["daemon", "stop", "--js"], ["--json"]],
  [
    ["completion", ""],
    ["bash", "fish", "zsh"],
  ],
  [["login", "--callback-port", ""], []],
  [["login", "--memory", "status", "--rev"], []],
  [["logout", "--rev"], ["--revoke"]],
  [["status", "--codex-home", `${place.home}/a`], [`${place.home}/a folder`]],
];

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await place.cli(["completion", shell]);
  t.equal(code, 0, stderr);
  const path = join(place.home, `completion.${shell}`);
  writeFileSync(path, stdout);
  return path;
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

t.test("bash", async (t) => {
  const path = await script("bash");
  const body = `source "$1"; source "$1"; shift; COMP_WORDS=(codex-auth "$@"); COMP_CWORD=$#
    _codex_auth; printf '%s\\n' "\${COMPREPLY[@]}"`;
  for (const [words, offered] of OFFERS) {
    t.test(words.join(" "), async (t) => {
      const { stdout, stderr } = runTool(["bash", "--norc", "-uc", body, "bash", path, ...words]);
      t.equal(stderr, "");
      const found = linesOf(stdout).filter((word) => offered.length > 0 || word !== "");
      t.same(words.at(-1) === "" ? found.filter((word) => !word.startsWith("-")) : found.sort(), offered);
    });
  }
  t.test("evaluates nothing of what was typed", async (t) => {
    const trap = join(place.home, "trap");
    for (const word of [`$(touch ${trap})`, `\`touch ${trap}\``]) {
      runTool(["bash", "--norc", "-c", body, "bash", path, word, word]);
    }
    t.notOk(existsSync(trap));
  });
});

t.test("fish", async (t) => {
  const path = await script("fish");
  for (const [words, offered] of OFFERS) {
    t.test(words.join(" "), async (t) => {
      const line = ["codex-auth", ...words].join(" ");
      const { stdout, stderr } = runTool(
        ["fish", "--no-config", "-c", `source ${path}; complete -C "${line}"`],
        {
          PATH: process.env.PATH,
          HOME: place.home,
        },
      );
      t.equal(stderr, "");
      const found = linesOf(stdout).map((found) => found.split("\t")[0]?.replace(/\/$/, "") ?? "");
      t.same(words.at(-1) === "" ? found.filter((word) => !word.startsWith("-")) : found.sort(), offered);
    });
  }
});

t.test("zsh", async (t) => {
  const path = await script("zsh");
  /** Types into a zsh of its own, and prints what its screen then shows. */
  const body = `zmodload zsh/zpty
    seen() { local part; for ((i = 0; i < 300; i++)); do
      [[ $screen == *$1* ]] && return
      zpty -r -t z part && screen+=$part || sleep 0.05
    done }
    zpty -b z zsh -f -i
    zpty -w z "PS1='> '; unsetopt beep; autoload -Uz compinit; compinit -D -u; source $1; print DO''NE"
    screen=; seen DONE
    screen=; zpty -w -n z "$2"$'\\t\\t'; seen $3
    print -r -- "$screen"`;
  const typed = [
    ["codex-auth stat", "codex-auth status"],
    ["codex-auth login --dev", "codex-auth login --device"],
    ["codex-auth daemon stat", "codex-auth daemon status"],
    ["codex-auth completion f", "codex-auth completion fish"],
    ["codex-auth lo", "forget the login on this machine"],
  ] as const;
  for (const [line, shown] of typed) {
    t.test(line, async (t) => {
      const { stdout } = runTool(["zsh", "-f", "-c", body, "zsh", path, line, shown]);
      t.match(stdout, shown);
    });
  }
});

t.test("every command of the help is completed", async (t) => {
  const { stdout } = await place.cli(["completion", "bash"]);
  const names = createProgram({
    terminal: processTerminal(),
    commandName: "",
    finish: () => {},
  }).commands.map((command) => command.name());
  t.ok(names.length > 7);
  for (const name of names) t.match(stdout, `    "${name}") words=`, name);
});
