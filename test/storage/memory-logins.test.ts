import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openMemoryLogins } from "#daemon/storage/memory-logins.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const SOCKET = "/run/user/1000/codex-authd/codex-authd.sock";

function open(path: string, scope = SOCKET) {
  const failures: unknown[] = [];
  return { failures, ...openMemoryLogins(path, scope, (error) => failures.push(error)) };
}

t.test("a spoilt file, and one that cannot be written, cost a sentence only", async (t) => {
  const path = join(temporaryFolder(t), "memory-logins");
  writeFileSync(path, "{ not JSON");
  t.equal(open(path).hasEnded("work"), false);
  const unwritable = open(join(path, "below-a-file"));
  unwritable.add("work");
  t.equal(unwritable.failures.length, 1);
});

t.test("a login that was held when the daemon ended is known to the next one", async (t) => {
  const path = join(temporaryFolder(t), "state", "memory-logins");
  const first = open(path);
  first.add("work");
  first.add("personal");
  first.remove("personal");
  t.equal(first.hasEnded("work"), false, "it has not, as long as this daemon is there");
  const second = open(path);
  t.strictSame(["work", "personal", "other"].map(second.hasEnded), [true, false, false]);
  t.equal(open(path, "/another.sock").hasEnded("work"), false, "another daemon's are its own");
  second.add("work");
  t.equal(second.hasEnded("work"), false);
  t.strictSame([first.failures, second.failures], [[], []]);
});

t.test("no name is on disk", async (t) => {
  const path = join(temporaryFolder(t), "memory-logins");
  open(path).add("work");
  t.match(readFileSync(path, "utf8"), /^\["[0-9a-f]{64}"\]$/);
});
