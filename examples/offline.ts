/**
 * `npm run example NAME`: runs an example on a machine without the internet. A local issuer and backend play OpenAI's, the
 * real Codex works in a temporary Codex home, and somebody approves what is to be approved.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { approveDevice, approveLogin } from "#test/helpers/browser-user.js";
import { type Child, startNode } from "#test/helpers/child.js";
import { codexBinary, codexEnvironment, createCodexHome } from "#test/helpers/codex.js";
import { createPlace } from "#test/helpers/daemon-place.js";
import { readAuthJson, writeLogin } from "#test/helpers/logins.js";
import { createScene, type Scene } from "#test/helpers/real-codex-scene.js";
import { serveOnPort } from "#test/helpers/remote-app-server.js";
import { say } from "./narration.js";

const AGENTS = 10;

const EXAMPLES: Readonly<Record<string, (scene: Scene) => Promise<string[]>>> = {
  /** The token of all ten is refused as soon as all of them have begun. */
  "host-with-ten-agents": async ({ issuer, backend, codex }) => {
    writeLogin(codex.path, issuer);
    const { access_token } = readAuthJson(codex.path).tokens;
    backend.gatherNext(AGENTS, () => issuer.rejectAccessToken(access_token));
    return [];
  },
  "own-login-screen": async () => [],
  "remote-app-server": async ({ issuer, backend, codex }) => {
    writeLogin(codex.path, issuer);
    const there = await createCodexHome({ backend });
    stage.teardown(() => there.close());
    return [`ws://127.0.0.1:${await serveOnPort(stage, there)}`];
  },
};

const ends: (() => unknown)[] = [];
const stage = { teardown: (end: () => unknown): void => void ends.unshift(end) };

const [, , name = ""] = process.argv;
const prepare = EXAMPLES[name];
try {
  if (prepare) await run(prepare);
  else say(`Name an example: ${Object.keys(EXAMPLES).join(", ")}.`);
} finally {
  for (const end of ends) await end();
}
process.exitCode ??= prepare ? 0 : 2;

async function run(prepare: (scene: Scene) => Promise<string[]>): Promise<void> {
  const scene = await createScene(stage);
  const { issuer, codex } = scene;
  const place = createPlace(stage, { issuer });
  const args = await prepare(scene);
  const { PATH, ...codexEnv } = codexEnvironment(codex);
  const env = { ...codexEnv, ...place.env, CODEX_HOME: codex.path, PATH: `${dirname(codexBinary)}:${PATH}` };
  const program = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const example = startNode([program, ...args], { env, cwd: codex.path });
  await show(example);
  const { code, stderr } = await example.ended;
  process.stderr.write(stderr);
  say(`Exchanges at the issuer: ${issuer.exchanges}.`);
  process.exitCode = code ?? 1;
}

/** Shows what the example prints, and does what it asks a person to. */
async function show(example: Child): Promise<void> {
  let verificationUri = "";
  for await (const line of linesOf(example)) {
    say(line);
    verificationUri = /^Log in at (\S+)/.exec(line)?.[1] ?? verificationUri;
    const [, url] = /^Log in here: (\S+)/.exec(line) ?? [];
    const [, code] = /^with this code: (\S+)/.exec(line) ?? [];
    if (url) await approveLogin(url);
    if (code) await approveDevice(verificationUri, code);
  }
}

async function* linesOf(example: Child): AsyncGenerator<string> {
  for (;;) {
    const line = await example.nextLine().catch(() => undefined);
    if (line === undefined) return;
    yield line;
  }
}
