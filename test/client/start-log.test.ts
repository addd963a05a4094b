import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { logTail, openStartLog } from "#client/start-log.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const MAX_BYTES = 1024 * 1024;

/** A state folder with a log of `size` bytes. */
function setUp(t: Test, size: number): { env: Record<string, string>; path: string } {
  const folder = temporaryFolder(t);
  const path = join(folder, "codex-authd", "codex-authd.log");
  mkdirSync(join(folder, "codex-authd"));
  writeFileSync(path, "x".repeat(size), { mode: 0o600 });
  return { env: { XDG_STATE_HOME: folder }, path };
}

t.test("a log that cannot be set aside is written on", async (t) => {
  const { env, path } = setUp(t, MAX_BYTES + 1);
  mkdirSync(`${path}.1`);
  const log = await openStartLog(env);
  t.teardown(() => log.handle.close());
  t.equal(log.offset, MAX_BYTES + 1);
});

t.test("a log over 1 MiB is kept beside a new one, in place of an older one", async (t) => {
  const { env, path } = setUp(t, MAX_BYTES + 1);
  writeFileSync(`${path}.1`, "older");
  const log = await openStartLog(env);
  t.teardown(() => log.handle.close());
  await log.handle.write("new\n");
  t.equal(log.offset, 0);
  t.equal(await logTail(log), "new");
  t.equal(readFileSync(path, "utf8"), "new\n");
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(`${path}.1`).size, MAX_BYTES + 1);
});

t.test("a log of 1 MiB is written on", async (t) => {
  const { env, path } = setUp(t, MAX_BYTES);
  const log = await openStartLog(env);
  t.teardown(() => log.handle.close());
  t.equal(log.offset, MAX_BYTES);
  t.throws(() => statSync(`${path}.1`), { code: "ENOENT" });
});
