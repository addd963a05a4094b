import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

/** Port 1 of loopback has no listener: what Codex sends there fails at once, so nothing leaves the machine. */
const DEAD_PROXY = "http://127.0.0.1:1";

/** A first start reads a 290 MB binary from a cold disk. */
const DEFAULT_TIMEOUT_MS = 30_000;

export interface CodexHomeOptions {
  readonly backend: { readonly baseUrl: string };
  /** Issuer that refresh, revocation and app-server logins go to, without a trailing slash. Default: a dead end. */
  readonly issuer?: string;
  /** More of config.toml. Write dotted keys (`features.x = true`): a table of the base cannot be opened again. */
  readonly extraConfig?: string;
}

/** A Codex home of its own, in a temporary folder. */
export interface CodexHome extends AsyncDisposable {
  readonly path: string;
  readonly authFile: string;
  readonly issuer: string;
  /** Removes the folder. */
  close(): Promise<void>;
}

export interface CodexRun {
  /** Exit code, `null` after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CodexRunOptions {
  readonly home: CodexHome;
  /** Written to stdin, which is then closed. */
  readonly input?: string;
  /** Laid over {@link codexEnvironment}; `undefined` takes a variable away. */
  readonly env?: NodeJS.ProcessEnv;
  /** The process is killed after this time. Default 30 s. */
  readonly timeoutMs?: number;
}

/**
 * The native executable of the installed `@openai/codex`. The npm launcher is left out: on Node 20 it stays as a parent
 * process, and a SIGKILL to it would orphan the real one.
 */
export const codexBinary = findCodexBinary();

/** Makes a Codex home (0700) whose config.toml sends every request to the loopback backend. */
export async function createCodexHome(options: CodexHomeOptions): Promise<CodexHome> {
  const path = await mkdtemp(join(tmpdir(), "codex-home-"));
  await mkdir(join(path, "user"));
  await mkdir(join(path, "tmp"));
  await writeFile(
    join(path, "config.toml"),
    `${baseConfig(options.backend.baseUrl)}\n${options.extraConfig ?? ""}\n`,
  );
  const close = () => rm(path, { recursive: true, force: true, maxRetries: 3 });
  return {
    path,
    authFile: join(path, "auth.json"),
    issuer: options.issuer ?? DEAD_PROXY,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The whole environment of a Codex process in `home`: nothing of ours but PATH, and every way out closed. */
export function codexEnvironment(home: CodexHome): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: join(home.path, "user"),
    TMPDIR: join(home.path, "tmp"),
    CODEX_HOME: home.path,
    CODEX_APP_SERVER_LOGIN_ISSUER: home.issuer,
    CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${home.issuer}/oauth/token`,
    CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${home.issuer}/oauth/revoke`,
    HTTP_PROXY: DEAD_PROXY,
    HTTPS_PROXY: DEAD_PROXY,
    ALL_PROXY: DEAD_PROXY,
    NO_PROXY: "127.0.0.1,localhost",
    BROWSER: "true",
    NO_COLOR: "1",
  };
}

/**
 * Runs `codex` with `args` to its end.
 * @throws Error when it does not end in time; the message has what it wrote to stderr.
 */
export async function runCodex(args: readonly string[], options: CodexRunOptions): Promise<CodexRun> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const child = spawn(codexBinary, args, {
    cwd: options.home.path,
    env: { ...codexEnvironment(options.home), ...options.env },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  child.stdin.on("error", () => {}); // A command that reads no input closes its end early.
  child.stdin.end(options.input ?? "");
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  if (signal === "SIGKILL") {
    throw new Error(`codex ${args.join(" ")} was killed after ${timeoutMs} ms; its stderr was:\n${stderr}`);
  }
  return { code, stdout, stderr };
}

/** What `codex login status` says, for example "Logged in using ChatGPT" or "Not logged in". */
export async function loginStatus(home: CodexHome): Promise<string> {
  const { stderr } = await runCodex(["login", "status"], { home });
  return stderr.trim();
}

/**
 * Only keys with a reason. A custom provider, because the built-in one goes to the https origin of the workspace;
 * `requires_openai_auth` makes it use the ChatGPT login. Off: what calls further services (analytics, apps, plugins,
 * update check), the shared daemon of the terminal UI, and endless retries when the backend is gone.
 */
function baseConfig(baseUrl: string): string {
  return `
chatgpt_base_url = "${baseUrl}/"
cli_auth_credentials_store = "file"
check_for_update_on_startup = false
analytics.enabled = false
features.apps = false
features.plugins = false
features.daemon_auto_start = false
features.unbounded_connection_retries = false
model = "loopback"
model_provider = "loopback"
model_providers.loopback.name = "Loopback"
model_providers.loopback.base_url = "${baseUrl}/codex"
model_providers.loopback.wire_api = "responses"
model_providers.loopback.requires_openai_auth = true
`;
}

function findCodexBinary(): string {
  const launcher = createRequire(import.meta.url).resolve("@openai/codex/bin/codex.js");
  const platformPackage = `@openai/codex-${process.platform}-${process.arch}/package.json`;
  const vendor = join(dirname(createRequire(launcher).resolve(platformPackage)), "vendor");
  const [target] = readdirSync(vendor);
  if (target === undefined) throw new Error(`No Codex executable in ${vendor}; run npm ci again.`);
  return join(vendor, target, "bin", process.platform === "win32" ? "codex.exe" : "codex");
}
