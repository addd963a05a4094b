/** A host that knows nothing of us starts `codex-auth app-server` in place of Codex: what both ends of the wire saw. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { type AppServer, startAppServer } from "../helpers/app-server.js";
import { startNode } from "../helpers/child.js";
import { codexBinary } from "../helpers/codex.js";
import { writeLogin } from "../helpers/logins.js";
import { createScene, modelCalls } from "../helpers/real-codex-scene.js";
import { createRecorder, type Recorder } from "../helpers/recorder.js";

const CLI = fileURLToPath(new URL("../../../client/dist/cli/codex-auth.cjs", import.meta.url));

const scene = await createScene(t);
const { issuer, backend, codex } = scene;
const daemon = await scene.startDaemon();

interface Wire {
  readonly host: AppServer;
  /** Where the host is. */
  readonly near: Recorder;
  /** Where the real app-server is. */
  readonly far: Recorder;
}

function startHost(name: string, args: readonly string[] = []): Wire {
  const folder = join(codex.path, name);
  mkdirSync(folder);
  const far = createRecorder(folder, "codex", [codexBinary]);
  const near = createRecorder(folder, "codex-auth", [process.execPath, CLI]);
  const host = startAppServer({
    home: codex,
    command: [near.program, "app-server", "--codex", far.program, ...args],
    env: { CODEX_AUTHD_SOCKET: daemon.socket, CODEX_AUTHD_CONFIG: daemon.env.CODEX_AUTHD_CONFIG },
    experimentalApi: false,
  });
  t.teardown(() => host.close());
  return { host, near, far };
}

t.test("without a login the host's Codex does not begin, and its stderr says what to do", async (t) => {
  const { host } = startHost("signed-out");
  await t.rejects(host.initialize(), /ERR_LOGIN_REQUIRED[\s\S]*Run `codex-auth login`/);
});

t.test("by default every byte goes through as it is, both ways", async (t) => {
  writeLogin(codex.path, issuer);
  const { host, near, far } = startHost("persistent");
  await host.initialize();
  const turn = await host.runTurn("Say hello");
  t.match(turn, { status: "completed", text: backend.reply });
  await host.close();
  t.match(near.sent(), /^\{"method":"initialize".*\n[\s\S]*"turn\/start"/);
  t.match(near.received(), /turn\/completed/);
  t.equal(far.sent(), near.sent());
  t.equal(far.received(), near.received());
  t.match(modelCalls(backend), [[String, "acct-fake-0001", 200]]);
});

t.test("it ends with its host, and as Codex does", async (t) => {
  const args = [CLI, "app-server", "--codex", codexBinary];
  const child = startNode(args, { env: { ...daemon.env, CODEX_HOME: codex.path }, cwd: codex.path });
  child.end();
  t.match(await child.ended, { code: 0, stdout: "" });
  const wrong = startNode([...args, "--no-such-option"], { env: daemon.env, cwd: codex.path });
  t.match(await wrong.ended, { code: 2, stderr: /unexpected argument '--no-such-option'/ });
});
