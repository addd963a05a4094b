import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { createProgramRunner } from "#daemon/notice/program-runner.js";
import { recordingLog } from "../helpers/rpc-harness.js";
import { temporaryFolder } from "../helpers/temp-folder.js";
import { until } from "../helpers/until.js";

function setUp(t: Test, deadlineMs = 60_000) {
  const { log, lines } = recordingLog();
  const runner = createProgramRunner({ clock: systemClock, log, deadlineMs });
  t.teardown(() => runner.close());
  const file = join(temporaryFolder(t), "said");
  const env = { PATH: process.env.PATH, FILE: file };
  const shell = (script: string) => runner.run({ program: "/bin/sh", args: ["-c", script], env });
  return { runner, lines, file, shell, env };
}

t.test("one program runs after the other, without input and without our environment", async (t) => {
  const { file, shell } = setUp(t);
  shell('sleep 0.3; echo "first [$(cat)] [$HOME]" >> "$FILE"');
  shell('echo second >> "$FILE"; echo done > "$FILE.2"');
  await until("both have run", () => existsSync(`${file}.2`));
  t.equal(readFileSync(file, "utf8"), "first [] []\nsecond\n");
});

t.test("an argument is one word, whatever is in it", async (t) => {
  const { runner, file, env } = setUp(t);
  const words = "$(touch /tmp/no); `id` && 'x'";
  runner.run({ program: "/bin/sh", args: ["-c", 'printf %s "$1" > "$FILE"', "sh", words], env });
  await until("it has run", () => existsSync(file) && readFileSync(file, "utf8").length > 0);
  t.equal(readFileSync(file, "utf8"), words);
});

t.test("what fails, or is not there, is logged, and the next one runs", async (t) => {
  const { runner, lines, file, shell, env } = setUp(t);
  runner.run({ program: "/no/such", args: [], env });
  shell("exit 3");
  shell('echo next > "$FILE"');
  await until("the last has run", () => existsSync(file));
  t.match(lines, [
    { event: "notice.failed", path: "/no/such", reason: "ENOENT" },
    { event: "notice.failed", path: "/bin/sh", reason: "exit code 3" },
  ]);
});

t.test("what takes too long is killed, with its children", async (t) => {
  const { lines, file, shell } = setUp(t, 500);
  shell('sleep 300 & echo $! > "$FILE"; wait');
  await until("it is killed", () => lines.length > 0);
  t.match(lines, [{ event: "notice.failed", reason: "SIGKILL" }]);
  const child = Number(readFileSync(file, "utf8"));
  await until("its child is gone", () => !isRunning(child));
});

t.test("closing kills what runs, and runs nothing more", async (t) => {
  const { runner, lines, file, shell } = setUp(t);
  shell('echo $$ > "$FILE"; exec sleep 300');
  shell('echo never > "$FILE.2"');
  await until("it runs", () => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"));
  await runner.close();
  t.notOk(isRunning(Number(readFileSync(file, "utf8"))));
  t.notOk(existsSync(`${file}.2`));
  t.same(lines, []);
});

/** A zombie that nobody has waited for yet does not run any more. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
