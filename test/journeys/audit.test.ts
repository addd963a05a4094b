/** The trail that calls leave in the state folder. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { approveDevice } from "../helpers/browser-user.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { assertNoSecret, secretsOf } from "../helpers/leaked-secrets.js";
import { WITHOUT_KOFFI } from "../helpers/without-koffi.js";

const trailOf = ({ home }: Daemon): string => join(home, ".local/state/codex-authd/audit.jsonl");

const linesOf = (trail: string): { action: string }[] =>
  readFileSync(trail, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

t.test("login, token, refresh and logout are in the trail, with who asked, and no secret", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  const login = daemon.startCli(["login", "--device", "--json"]);
  const { verificationUri, userCode } = JSON.parse(await login.nextLine());
  await approveDevice(verificationUri, userCode);
  t.equal((await login.ended).code, 0);
  for (const command of ["token", "refresh", "status", "logout", "token"]) await daemon.cli([command]);
  t.equal(await daemon.stop(), 0);

  const { codexHome } = daemon;
  const caller = { uid: process.geteuid?.(), pid: Number, executable: /node/ };
  const allowed = { ...caller, codexHome, decision: "allowed" };
  t.match(linesOf(trailOf(daemon)), [
    { ...allowed, client: "codex-auth login", action: "login/begin", loginId: String },
    { action: "login/ended", decision: "allowed", codexHome, loginId: String },
    { ...allowed, client: "codex-auth token", action: "token/get" },
    { ...allowed, client: "codex-auth refresh", action: "session/refresh" },
    { ...allowed, client: "codex-auth logout", action: "session/logout" },
    { ...caller, codexHome, decision: "refused", action: "token/get", code: "ERR_LOGIN_REQUIRED" },
  ]);
  assertNoSecret(readFileSync(trailOf(daemon), "utf8"), secretsOf(issuer), "the audit trail");
});

t.test("audit = false keeps none", async (t) => {
  const daemon = await startDaemon(t, {
    issuer: await startAuthorizationServer(t),
    config: { audit: false },
  });
  await daemon.cli(["token"]);
  t.equal(await daemon.stop(), 0);
  t.notOk(existsSync(trailOf(daemon)));
});

t.test("without koffi the owner is served, daemon status warns, and the trail names nobody", async (t) => {
  const daemon = await startDaemon(t, {
    issuer: await startAuthorizationServer(t),
    env: { NODE_OPTIONS: `--import=${WITHOUT_KOFFI}` },
  });
  t.match(await daemon.cli(["daemon", "status"]), {
    code: 0,
    stdout: /warning The kernel cannot be asked who calls/,
  });
  await daemon.cli(["token"]);
  t.equal(await daemon.stop(), 0);
  t.match(linesOf(trailOf(daemon)), [
    { uid: null, pid: null, client: "codex-auth token", action: "token/get" },
  ]);
});
