/** However many children end with this process, Node counts one listener. */
import t from "tap";
import { onProcessExit } from "#client/app-server/process-exit.js";

t.test("many tasks are one listener, run until they are let go, and leave none", async (t) => {
  const before = process.listenerCount("exit");
  const ran: number[] = [];
  const letGo = Array.from({ length: 20 }, (_, index) => onProcessExit(() => ran.push(index)));
  t.equal(process.listenerCount("exit"), before + 1);
  letGo[0]?.();
  process.listeners("exit").at(-1)?.(0);
  t.same(
    ran,
    Array.from({ length: 19 }, (_, index) => index + 1),
  );
  for (const release of letGo) release();
  t.equal(process.listenerCount("exit"), before);
});
