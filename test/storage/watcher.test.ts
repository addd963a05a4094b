import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { watchFile } from "#daemon/storage/watcher.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

/** Watches `path`, and resolves each `next()` at the first call since it was asked for. */
function watched(t: Test, path: string): { next(): Promise<void> } {
  let wake = (): void => {};
  const watch = watchFile({ path, clock: systemClock, onChange: () => wake() });
  t.teardown(() => watch.close());
  return { next: () => new Promise((resolve) => (wake = resolve)) };
}

async function ready(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 150));
}

t.test("every way to change a file is noticed", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "auth.json");
  const { next } = watched(t, path);
  await ready();
  const steps: Record<string, () => void> = {
    created: () => writeFileSync(path, "1"),
    "truncated and rewritten in place": () => writeFileSync(path, "2"),
    "replaced by rename": () => {
      writeFileSync(join(folder, "new"), "3");
      renameSync(join(folder, "new"), path);
    },
    deleted: () => unlinkSync(path),
    "created again": () => writeFileSync(path, "4"),
  };
  for (const [name, change] of Object.entries(steps)) {
    const noticed = next();
    change();
    await noticed;
    t.pass(name);
  }
});

t.test("a folder that is created later is noticed", async (t) => {
  const folder = join(temporaryFolder(t), "later");
  const { next } = watched(t, join(folder, "auth.json"));
  await ready();
  const noticed = next();
  mkdirSync(folder);
  writeFileSync(join(folder, "auth.json"), "1");
  await noticed;
});

t.test("a change behind a link is noticed", async (t) => {
  const [folder, elsewhere] = [temporaryFolder(t), temporaryFolder(t)];
  writeFileSync(join(elsewhere, "real.json"), "1");
  symlinkSync(join(elsewhere, "real.json"), join(folder, "auth.json"));
  const { next } = watched(t, join(folder, "auth.json"));
  await ready();
  const noticed = next();
  writeFileSync(join(elsewhere, "real.json"), "2");
  await noticed;
});

t.test("nothing is called after close", async (t) => {
  const folder = temporaryFolder(t);
  let calls = 0;
  const watch = watchFile({
    path: join(folder, "auth.json"),
    clock: systemClock,
    onChange: () => (calls += 1),
  });
  await ready();
  await watch.close();
  writeFileSync(join(folder, "auth.json"), "1");
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(calls, 0);
});
