/** Faults that only root, or another file system, can put there. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { writeLogin } from "../helpers/logins.js";
import { requireRoot, requireTools, runTool } from "../helpers/system-tool.js";

requireRoot();
requireTools("mount", "umount");

/** nobody */
const FOREIGN_UID = 65_534;

const issuer = await startAuthorizationServer(t);
const daemon = await startDaemon(t, { issuer });
writeLogin(daemon.codexHome, issuer);

async function ids(env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const { stdout } = await daemon.cli(["doctor", "--json"], { env });
  return JSON.parse(stdout).findings.map(({ id }: { id: string }) => id);
}

t.test("what belongs to another user", async (t) => {
  for (const [id, path] of [
    ["auth-json-foreign", join(daemon.codexHome, "auth.json")],
    ["codex-home-foreign", daemon.codexHome],
    ["state-folder-foreign", join(daemon.home, ".local/state/codex-authd")],
  ] as const) {
    chownSync(path, FOREIGN_UID, FOREIGN_UID);
    const found = await ids();
    chownSync(path, 0, 0);
    t.ok(found.includes(id), `${id}: ${found.join()}`);
  }
});

t.test("a Codex home on a read-only file system, and on a full one", async (t) => {
  const folder = join(daemon.home, "mounted");
  mkdirSync(folder);
  t.equal(runTool(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", folder]).code, 0);
  t.teardown(() => runTool(["umount", folder]));
  writeLogin(folder, issuer);
  writeFileSync(join(folder, "filler"), Buffer.alloc(1_800_000));
  t.match(await ids({ CODEX_HOME: folder }), ["disk-full"]);
  t.equal(runTool(["mount", "-o", "remount,ro", folder]).code, 0);
  const found = await ids({ CODEX_HOME: folder });
  t.ok(found.includes("codex-home-unwritable"), found.join());
  chmodSync(daemon.codexHome, 0o700);
});
