/** The demo, as a newcomer runs it: what it tells is true, and nothing of it stays. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { startNode } from "../helpers/child.js";
import { processesWith } from "../helpers/process-list.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const DEMO = fileURLToPath(new URL("../../../examples/dist/demo.js", import.meta.url));

const folder = temporaryFolder(t);
const demo = startNode([DEMO], { env: { PATH: process.env.PATH, TMPDIR: folder }, cwd: folder });
const { code, stdout, stderr } = await demo.ended;

t.test("the demo ends well", async (t) => {
  t.equal(code, 0, stderr);
  t.equal(stderr, "");
});

t.test("somebody logs in", async (t) => {
  t.match(stdout, /ends on the page "You are signed in/);
  t.match(stdout, /\{"event":"loggedIn",/);
  t.match(stdout, /Logged in as me@example\.com\n/);
});

t.test(
  "ten processes share one token, before the expiry for nothing, after it for one exchange",
  async (t) => {
    const counts = [...stdout.matchAll(/(\d+) answers, (\d+) token\.\n.*: (\d+)\..*: (\d+)\./g)];
    t.same(
      counts.map(([, answers, tokens, exchanges, reuses]) => ({ answers, tokens, exchanges, reuses })),
      [
        { answers: "10", tokens: "1", exchanges: "0", reuses: "0" },
        { answers: "10", tokens: "1", exchanges: "1", reuses: "0" },
      ],
    );
  },
);

t.test("the logout is final, and says so to scripts", async (t) => {
  t.match(stdout, /Logged out\.\n/);
  t.match(stdout, /It exits with 3:/);
});

t.test("no process and no file stays", async (t) => {
  t.match(stdout, /The daemon has stopped\./);
  const [socket = ""] = /\S+d\.sock/.exec(stdout) ?? [];
  t.equal(socket.startsWith(join(folder, "/")), true);
  t.same(processesWith(socket), []);
  t.same(readdirSync(folder), []);
});
