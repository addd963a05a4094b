/** The short form of every proof: it ends well and misses no bound. The long forms are for `npm run proof`. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { type Run, startNode } from "./helpers/child.js";
import { temporaryFolder } from "./helpers/temp-folder.js";

const MAIN = fileURLToPath(new URL("proof/main.js", import.meta.url));

const NAMES = ["callers", "children", "fleet", "writers", "kill", "restarts", "endurance"];

async function prove(t: Test, args: readonly string[]): Promise<Run> {
  const folder = temporaryFolder(t);
  const child = startNode([MAIN, ...args], { env: { PATH: process.env.PATH, TMPDIR: folder }, cwd: folder });
  t.teardown(() => child.isRunning && child.kill("SIGKILL"));
  const run = await child.ended;
  t.strictSame(readdirSync(folder), [], "no file stays");
  return run;
}

t.test("a name that no proof has is refused, with those that there are", async (t) => {
  const { code, stderr } = await prove(t, ["--short", "callers", "nonsense"]);
  t.equal(code, 1);
  t.match(stderr, `There is no proof nonsense. There are: ${NAMES.join(", ")}.`);
});

for (const name of NAMES) {
  t.test(`${name} holds in its short form`, async (t) => {
    const { code, stdout, stderr } = await prove(t, ["--short", name]);
    t.equal(code, 0, stderr);
    t.match(stdout, /\| yes \|/, "something is judged");
    t.notMatch(stdout, /\| NO +\|/);
    t.comment(stdout);
  });
}
