import { join } from "node:path";
import t from "tap";
import { createGenerations } from "#daemon/session/generations.js";
import { createGenerationFile } from "#daemon/storage/generation-file.js";
import { createManualClock } from "../helpers/manual-clock.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

t.test("generations grow across restarts, also when the clock was set back", async (t) => {
  const path = join(temporaryFolder(t), "state", "generation");
  const file = createGenerationFile(path, (error) => t.fail(String(error)));
  const clock = createManualClock();
  const first = createGenerations(clock, file);
  const handedOut = [first.next(), first.next(), first.next()];
  t.same(handedOut, [...handedOut].sort());
  clock.jump(-86_400_000);
  t.ok(createGenerations(clock, file).next() > Math.max(...handedOut));
});

t.test("generations grow by the time of day when the file is lost", async (t) => {
  const clock = createManualClock();
  const file = { load: () => 0, save: () => {} };
  const before = createGenerations(clock, file).next();
  await clock.advance(1_000);
  t.ok(createGenerations(clock, file).next() > before);
});

t.test("a block of generations costs one write", async (t) => {
  let writes = 0;
  const generations = createGenerations(createManualClock(), { load: () => 0, save: () => (writes += 1) });
  for (let count = 0; count < 10_000; count += 1) generations.next();
  t.equal(writes, 1);
});

t.test("a file that cannot be written is told, and stops nobody", async (t) => {
  let failures = 0;
  const file = createGenerationFile("/dev/null/generation", () => (failures += 1));
  t.equal(file.load(), 0);
  file.save(5);
  t.equal(failures, 1);
});
