/** The benchmark's short form: every row is there and has figures. What they are is no test's business. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { startNode } from "./helpers/child.js";
import { temporaryFolder } from "./helpers/temp-folder.js";

const BENCH = fileURLToPath(new URL("../../bench/dist/main.js", import.meta.url));

const FIGURES = ["1 caller, p50", "1 caller, p99", "64 callers, p50", "64 callers, p99", "64 callers, rate"];

const ROWS = [
  ...FIGURES.map((figure) => `token/get, library, ${figure}`),
  ...FIGURES.map((figure) => `token/get, node:http, ${figure}`),
  "bare Fastify, node:http, 1 caller, p50",
  "bare Fastify, node:http, 64 callers, rate",
  "token/get, library's cache, 1 caller, p50",
  "codex-auth token, whole process",
];

const folder = temporaryFolder(t);
const bench = startNode([BENCH, "--quick"], { env: { PATH: process.env.PATH, TMPDIR: folder }, cwd: folder });
const { code, stdout, stderr } = await bench.ended;

/** Cells of each row below the head. */
const rows = stdout
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(1)
  .map((line) => line.split("|").map((cell) => cell.trim()));

t.test("the benchmark ends well", async (t) => {
  t.equal(code, 0, stderr);
  t.equal(stderr, "");
});

t.test("the table has every row", async (t) => {
  t.same(
    rows.map(([, measured]) => measured),
    ROWS,
  );
});

t.test("every row has a ratio between its least and its greatest, and two medians", async (t) => {
  for (const [, measured = "", , ratio, range = "", , , medians = ""] of rows) {
    const [least, greatest] = range.split("..").map(Number);
    const [ours, theirs] = medians.split(" to ").map((text) => Number.parseFloat(text));
    const figures = [Number(ratio), least, greatest, ours, theirs];
    t.equal(
      figures.every((figure = 0) => Number.isFinite(figure) && figure > 0),
      true,
      measured,
    );
    t.equal(Number(ratio) >= Number(least) && Number(ratio) <= Number(greatest), true, measured);
  }
});

t.test("each goal is judged", async (t) => {
  const goals = rows.flatMap(([, , , , , goal, met]) =>
    goal ? [[goal, met === "yes" || met === "NO"]] : [],
  );
  t.same(goals, [
    ["≤ 2", true],
    ["≥ 0.8", true],
    ["≤ 2", true],
    ["≥ 0.8", true],
    ["≤ 1.4", true],
  ]);
});

t.test("no process and no file stays", async (t) => {
  t.notMatch(execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }), folder);
  t.same(readdirSync(folder), []);
});
