import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for one test, 0700, gone with it. */
export function temporaryFolder(t: { teardown(fn: () => void): void }): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "codex-authd-test-")));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
