/** The administrator's folder, `/etc/codex`, asked of the real Codex and of us: in a mount namespace with an `/etc` of its own. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { requireRoot, requireTools } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

requireTools("unshare", "mount");
requireRoot();

const etc = join(temporaryFolder(t), "etc");
cpSync("/etc", etc, { recursive: true, verbatimSymlinks: true });

const SET_UP = 'mount --bind "$1" /etc && shift && exec "$@"';
const inside = fileURLToPath(new URL("codex-config-inside.js", import.meta.url));
const namespace = ["--mount", "--", "sh", "-c", SET_UP, "sh", etc];

await t.spawn("unshare", [...namespace, process.execPath, inside], {}, "with an /etc of its own");
