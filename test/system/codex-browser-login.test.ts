/**
 * The real Codex CLI logs in at https://auth.openai.com: its browser login takes no other issuer. So the test is run in a
 * network of its own, where that name is this machine and nothing else exists.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { requireRoot, requireTools } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

requireTools("unshare", "ip", "openssl");
requireRoot();

const hosts = join(temporaryFolder(t), "hosts");
writeFileSync(hosts, "127.0.0.1 localhost auth.openai.com\n");

const SET_UP = 'ip link set lo up && mount --bind "$1" /etc/hosts && shift && exec "$@"';

const namespace = ["--net", "--mount", "--", "sh", "-c", SET_UP, "sh", hosts];

for (const name of ["codex-browser-login-inside.js", "callback-ports-inside.js"]) {
  const inside = fileURLToPath(new URL(name, import.meta.url));
  await t.spawn("unshare", [...namespace, process.execPath, inside], {}, `in a network of its own: ${name}`);
}
