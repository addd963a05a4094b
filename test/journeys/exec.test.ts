/** `codex-auth exec` with the real Codex: a login that is about to end is fresh before Codex looks at it. */
import t from "tap";
import { writeAgedLogin } from "../helpers/aged-login.js";
import { codexBinary, codexEnvironment } from "../helpers/codex.js";
import { headerOf } from "../helpers/issuer/requests.js";
import { readAuthJson } from "../helpers/logins.js";
import { createScene, modelCalls } from "../helpers/real-codex-scene.js";

const LIFETIME_SECONDS = 3600;

/** Codex would refresh by itself from 300 s before the end on. */
const LEFT_SECONDS = 200;

const scene = await createScene(t, { accessTokenLifetimeSeconds: LIFETIME_SECONDS });
const { issuer, backend, codex } = scene;
const daemon = await scene.startDaemon();
const env = { ...codexEnvironment(codex), HOME: daemon.home };
const words = ["exec", "--", codexBinary, "exec", "--skip-git-repo-check", "Say hello"];

t.test("without a login it says what to do, and Codex is not begun", async (t) => {
  t.match(await daemon.cli(words, { env }), { code: 125, stdout: "", stderr: /Run `codex-auth login`/ });
  t.same(backend.requests, []);
});

t.test("Codex begins with a token that the daemon has refreshed, and only reads", async (t) => {
  const old = writeAgedLogin(codex.path, issuer, LIFETIME_SECONDS - LEFT_SECONDS);
  const { code, stdout, stderr } = await daemon.cli(words, { env });
  t.equal(code, 0, stderr);
  t.equal(stdout.trim(), backend.reply);
  const { access_token: fresh } = readAuthJson(codex.path).tokens;
  t.not(fresh, old);
  t.same(modelCalls(backend), [[fresh, "acct-fake-0001", 200]]);
  const agents = issuer.requestsTo("refresh").map((request) => headerOf(request, "user-agent"));
  t.match(agents, [/^codex-authd\//]);
});
