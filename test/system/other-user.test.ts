/** What another user of the machine can do: nothing. Each wall is tried alone, with the one before it taken down. */
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { createPlace } from "../helpers/daemon-place.js";
import { writeLogin } from "../helpers/logins.js";
import { requireRoot, requireTools, runTool, type ToolRun } from "../helpers/system-tool.js";

requireTools("setpriv", "curl");
requireRoot();

/** `nobody` of Debian. */
const NOBODY = 65_534;

function runAsNobody(command: readonly string[]): ToolRun {
  const ids = ["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups"];
  return runTool(["setpriv", ...ids, "--", ...command]);
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

async function startRefreshedDaemon(t: Test) {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  writeLogin(daemon.codexHome, issuer);
  t.equal((await daemon.cli(["status"])).code, 0, "the daemon has seen it");
  t.equal((await daemon.cli(["refresh"])).code, 0, "auth.json is of the daemon's writing");
  chmodSync(daemon.home, 0o755);
  const open = join(daemon.home, "open");
  writeFileSync(open, "", { mode: 0o644 });
  t.equal(runAsNobody(["cat", open]).code, 0, "nobody comes this far");
  return daemon;
}

t.test("another user cannot connect: neither into the folder, nor to the socket", async (t) => {
  const daemon = await startRefreshedDaemon(t);
  const call = ["curl", "-s", "--unix-socket", daemon.socket, "http://localhost/v1/token"];
  t.match(runTool(call), { code: 0, stdout: /^eyJ/ });
  t.equal(modeOf(dirname(daemon.socket)), 0o700);
  t.match(runAsNobody(call), { code: 7, stdout: /^$/ });

  chmodSync(dirname(daemon.socket), 0o755);
  t.equal(modeOf(daemon.socket), 0o600);
  t.match(runAsNobody(call), { code: 7, stdout: /^$/ });
});

t.test(
  "another user who comes through all modes is refused by the kernel's word, and leaves a trace",
  async (t) => {
    const daemon = await startRefreshedDaemon(t);
    chmodSync(dirname(daemon.socket), 0o755);
    chmodSync(daemon.socket, 0o666);
    const call = ["curl", "-s", "--unix-socket", daemon.socket, "http://localhost/v1/token"];
    t.match(runAsNobody(call), {
      code: 0,
      stdout: /^Refused: this daemon serves uid 0, and you are uid 65534/,
    });
    t.match(runTool(call), { code: 0, stdout: /^eyJ/ });
    t.equal(await daemon.stop(), 0);
    const trail = join(daemon.home, ".local/state/codex-authd/audit.jsonl");
    t.equal(modeOf(trail), 0o600);
    const lines = readFileSync(trail, "utf8").trim().split("\n").slice(-2);
    const curl = { pid: Number, startTicks: Number, executable: /\/curl$/, client: null };
    t.match(
      lines.map((line) => JSON.parse(line)),
      [
        { ...curl, uid: NOBODY, action: "connect", decision: "refused", code: "ERR_CALLER_REFUSED" },
        { ...curl, uid: 0, action: "token/get", decision: "allowed", codexHome: daemon.codexHome },
      ],
    );
  },
);

t.test("another user cannot read auth.json, in a folder that is open", async (t) => {
  const daemon = await startRefreshedDaemon(t);
  const file = join(daemon.codexHome, "auth.json");
  chmodSync(daemon.codexHome, 0o755);
  t.equal(modeOf(file), 0o600);
  t.match(runAsNobody(["cat", file]), { code: 1, stdout: /^$/, stderr: /Permission denied/ });
});

const FOLDERS = {
  "belongs to another user": { uid: NOBODY, mode: 0o700, words: /belongs to uid 65534/ },
  "can be written by the group": { uid: 0, mode: 0o770, words: /is open to others \(mode 0770\)/ },
  "can be listed by others": { uid: 0, mode: 0o755, words: /is open to others \(mode 0755\)/ },
};

for (const [what, { uid, mode, words }] of Object.entries(FOLDERS)) {
  t.test(`a folder for the socket that ${what} is refused, and left as it is`, async (t) => {
    const place = createPlace(t, { issuer: await startAuthorizationServer(t) });
    const folder = dirname(place.socket);
    mkdirSync(folder);
    chmodSync(folder, mode);
    chownSync(folder, uid, 0);
    const { code, stderr } = await place.startProgram().ended;
    t.equal(code, 2);
    t.match(stderr, words);
    t.match(statSync(folder), { uid });
    t.equal(modeOf(folder), mode);
  });
}
