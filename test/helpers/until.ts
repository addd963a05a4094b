import { setTimeout as delay } from "node:timers/promises";

/** For things that take a second; the rest is room for a busy machine. */
const PATIENCE_MS = 30_000;

const LOOK_MS = 20;

/** Waits until `condition` holds. @throws Error with `what` after `patienceMs`, by default 30 s */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const deadlineAtMs = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadlineAtMs) throw new Error(`It did not come to this: ${what}`);
    await delay(LOOK_MS);
  }
}
