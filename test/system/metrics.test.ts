/** What a daemon with a login and its alerts say, by Prometheus' own judgement. */
import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { startDaemon } from "../helpers/daemon.js";
import { assertNoSecret, secretsOf } from "../helpers/leaked-secrets.js";
import { writeLogin } from "../helpers/logins.js";
import { requireTools, runTool } from "../helpers/system-tool.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

requireTools("curl", "promtool");

const ROOT = join(import.meta.dirname, "../../..");
const ALERTS = join(ROOT, "docs/observability/alerts.yml");

t.test("/metrics of a daemon at work is clean, true, and without a secret", async (t) => {
  const issuer = await startAuthorizationServer(t);
  const daemon = await startDaemon(t, { issuer });
  writeLogin(daemon.codexHome, issuer);
  t.equal((await daemon.cli(["token"])).code, 0);
  t.equal((await daemon.cli(["refresh"])).code, 0);
  const { stdout } = runTool(["curl", "-sS", "--unix-socket", daemon.socket, "http://localhost/metrics"]);
  const check = spawnSync("promtool", ["check", "metrics"], { input: stdout, encoding: "utf8" });
  t.match(check, { status: 0, stdout: "", stderr: "" });
  t.match(stdout, /^codex_authd_sessions\{state="active"\} 1$/m);
  t.match(stdout, /^codex_authd_exchanges_total\{result="refreshed"\} 1$/m);
  t.match(stdout, /^codex_authd_calls_total\{method="token\/get",result="ok"\} 1$/m);
  t.match(stdout, /^codex_authd_session_changes_total\{cause="adoption"\} 1$/m);
  t.match(stdout, /^codex_authd_open_fds \d+$/m);
  t.notMatch(stdout, daemon.home);
  assertNoSecret(stdout, secretsOf(issuer), "/metrics");
});

t.test("the alert rules are right, and fire when they should", async (t) => {
  t.match(runTool(["promtool", "check", "rules", ALERTS]), { code: 0 });
  const folder = temporaryFolder(t);
  copyFileSync(ALERTS, join(folder, "alerts.yml"));
  copyFileSync(join(ROOT, "test/fixtures/alerts.test.yml"), join(folder, "alerts.test.yml"));
  t.match(runTool(["promtool", "test", "rules", "alerts.test.yml"], process.env, folder), { code: 0 });
});
