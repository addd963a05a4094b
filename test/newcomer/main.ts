/**
 * `npm run newcomer`: what somebody does who has never seen this, from a clean clone to a service that survives a kill, a
 * restart of the machine and an upgrade, in a home folder and a user manager of its own. Writes docs/newcomer.md. Needs
 * root and systemd's programs.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { assertNoSecret, tokensOf } from "../helpers/leaked-secrets.js";
import { requireRoot, requireTools } from "../helpers/system-tool.js";
import { until } from "../helpers/until.js";
import { startUserManager, type UserManager } from "../helpers/user-manager.js";
import { newcomerPage, type Step } from "./page.js";

requireRoot();
requireTools("git", "systemctl", "unshare");

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGE = join(ROOT, "docs/newcomer.md");

const ends: (() => unknown)[] = [];
const t = { teardown: (end: () => unknown): void => void ends.unshift(end) };

const home = realpathSync(mkdtempSync(join(tmpdir(), "newcomer-")));
t.teardown(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
const clone = join(home, "codex-authd");
const steps: Step[] = [];

/** Runs a line as a person's shell would, and keeps what it printed; `answer` may type or approve meanwhile. */
async function type(
  command: string,
  { env, cwd = clone, answer }: { env: NodeJS.ProcessEnv; cwd?: string; answer?: (shown: string) => void },
): Promise<void> {
  process.stderr.write(`$ ${command}\n`);
  const child = spawn("bash", ["-c", `${command} 2>&1`], { cwd, env: { ...env, NO_COLOR: "1" } });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    answer?.(shown);
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${shown}`);
  steps.push({ command, shown: shown.replaceAll(home, "~") });
}

function say(words: string): void {
  steps.push({ words });
}

async function firstMinute(env: NodeJS.ProcessEnv, approve: (shown: string) => void): Promise<void> {
  await type(`git clone --quiet ${ROOT} codex-authd`, { env, cwd: home });
  const npmStart = spawn("npm", ["start"], {
    cwd: clone,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let started = "";
  for (const stream of [npmStart.stdout, npmStart.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (started += text));
  await until("the daemon is ready", () => started.includes("daemon.ready"), 300_000);
  const lines = started.split("\n").filter((line) => /^Installing|daemon\.ready/.test(line));
  steps.push({ command: "npm start", shown: `${lines.join("\n").replaceAll(home, "~")}\n` });
  say("It goes on in the foreground. In another terminal, in the same folder:");
  await type("npx codex-auth login --device", { env, answer: approve });
  await type("npx codex-auth status", { env });
  await type("npx codex-auth token | wc -c", { env });
  say(
    "Ctrl-C in the first terminal ends the daemon, and the next command would start one by itself. A service is there from login on:",
  );
  // As a terminal does: to all of it.
  process.kill(-(npmStart.pid ?? 0), "SIGINT");
  await once(npmStart, "close");
}

async function service(env: NodeJS.ProcessEnv): Promise<void> {
  await type("npx codex-auth service install", { env });
  await type("npx codex-auth service status", { env });
  say("Somebody kills it:");
  await type("kill -9 $(systemctl --user show --property MainPID --value codex-authd)", { env });
  await type("npx codex-auth status | head -1", { env });
  await type("npx codex-auth service status", { env });
}

async function restartMachine(manager: UserManager): Promise<UserManager> {
  say("The machine is restarted: the user manager ends with all that it runs, and a new one begins.");
  manager.systemctl("exit");
  await until("it has gone", () => manager.systemctl("is-active", "default.target").code !== 0);
  rmSync(manager.env.XDG_RUNTIME_DIR, { recursive: true, force: true });
  return startUserManager(t, home);
}

async function upgrade(env: NodeJS.ProcessEnv): Promise<void> {
  say("A new version (here one that differs in its number only):");
  await type(`sed -i 's/"version": "0.1.0"/"version": "0.2.0"/' client/package.json daemon/package.json`, {
    env,
  });
  await type("npx codex-auth service restart", { env });
  await type("npx codex-auth daemon status", { env });
  await type("npx codex-auth status | head -1", { env });
  await type("npx codex-auth doctor", { env });
  say("And all of it away again:");
  await type("npx codex-auth logout", { env });
  await type("npx codex-auth service uninstall", { env });
}

try {
  const issuer = await startAuthorizationServer(t);
  mkdirSync(join(home, ".config/codex-authd"), { recursive: true });
  writeFileSync(join(home, ".config/codex-authd/config.toml"), `issuer = "${issuer.url}"\n`);
  let manager = await startUserManager(t, home);
  let isApproved = false;
  await firstMinute(manager.env, (shown) => {
    const code = /│ {2}(\S+) {2}│/.exec(shown)?.[1];
    if (code === undefined || isApproved) return;
    isApproved = true;
    issuer.approveDevice(code);
  });
  await service(manager.env);
  manager = await restartMachine(manager);
  await type("npx codex-auth service status", { env: manager.env });
  await type("npx codex-auth status | head -1", { env: manager.env });
  await upgrade(manager.env);
  const page = newcomerPage(steps);
  assertNoSecret(page, tokensOf(issuer), "docs/newcomer.md");
  writeFileSync(PAGE, page);
} finally {
  for (let end = ends.shift(); end !== undefined; end = ends.shift()) await end();
}
