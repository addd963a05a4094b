import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isFlockAvailable, tryFlock } from "#daemon/native/flock.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

t.equal(isFlockAvailable(), true, "koffi is among the development dependencies");

t.test("what is not an open file is an error with a name, not a busy lock", async (t) => {
  const descriptor = openSync(join(temporaryFolder(t), "lock"), "w");
  closeSync(descriptor);
  t.throws(() => tryFlock(descriptor), { code: "EBADF" });
});

t.test("one open file holds the lock until it is closed", async (t) => {
  const path = join(temporaryFolder(t), "lock");
  const [first, second] = [openSync(path, "w"), openSync(path, "w")];
  t.equal(tryFlock(first), true);
  t.equal(tryFlock(first), true, "to its holder it is no obstacle");
  t.equal(tryFlock(second), false);
  closeSync(first);
  t.equal(tryFlock(second), true);
  closeSync(second);
});

t.test("it holds between processes, and a child does not inherit it", async (t) => {
  const path = join(temporaryFolder(t), "lock");
  const descriptor = openSync(path, "w");
  t.equal(tryFlock(descriptor), true);
  t.equal(await statusElsewhere(path), 1, "another process is kept out");
  const child = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
  closeSync(descriptor);
  t.equal(await statusElsewhere(path), 0, "though a child from before lives on");
  child.kill();
  await once(child, "exit");
});

/** Exit status of another process that tries to take the lock. */
async function statusElsewhere(path: string): Promise<number> {
  const script = `
    import { openSync } from "node:fs";
    import { tryFlock } from ${JSON.stringify(import.meta.resolve("#daemon/native/flock.js"))};
    process.exit(tryFlock(openSync(${JSON.stringify(path)}, "r")) ? 0 : 1);`;
  const [code] = await once(
    spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" }),
    "exit",
  );
  return code;
}
