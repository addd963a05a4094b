/** Each seeded fault is found, by its name and with its cure; a clean place has none. */

import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { systemClock } from "@codex-authd/shared";
import t, { type Test } from "tap";
import { oldNode } from "#client/cli/doctor/node-checks.js";
import { sessionFindings } from "#client/cli/doctor/session-checks.js";
import { run } from "#client/cli/program.js";
import { startAuthorizationServer } from "../helpers/authorization-server.js";
import { createTestTerminal } from "../helpers/cli-run.js";
import { type Daemon, startDaemon } from "../helpers/daemon.js";
import { createPlace, type Place, type PlaceOptions } from "../helpers/daemon-place.js";
import { writeLogin } from "../helpers/logins.js";

// Thirty looks, each with a start of the daemon's program: half a minute, on a busy machine some more.
t.setTimeout(400_000);

const issuer = await startAuthorizationServer(t);

interface Report {
  readonly findings: readonly {
    id: string;
    level: string;
    message: string;
    cure: string;
    fixable: boolean;
    fixed: boolean;
  }[];
  readonly looked: readonly string[];
}

interface Examined extends Report {
  readonly code: number | null;
  readonly ids: readonly string[];
}

/** No Codex but the one that a test puts there, and no service manager. */
function withoutTools(place: Place): NodeJS.ProcessEnv {
  const bin = join(place.home, "bin");
  mkdirSync(bin, { recursive: true });
  const node = join(bin, "node");
  if (!existsSync(node)) symlinkSync(process.execPath, node);
  return { PATH: bin };
}

/** In this process, for each start of a program costs a busy machine a second. */
async function doctor(
  place: Place,
  env: NodeJS.ProcessEnv = {},
  args: readonly string[] = [],
): Promise<Examined> {
  const variables = { ...place.env, ...withoutTools(place), ...env } as Record<string, string>;
  const terminal = createTestTerminal({ env: variables, folder: place.home });
  const code = await run(["doctor", "--json", ...args], { ...terminal, clock: systemClock });
  const report = JSON.parse(terminal.written.stdout) as Report;
  return { ...report, code, ids: report.findings.map(({ id }) => id) };
}

async function cleanPlace(t: Test, options: Partial<PlaceOptions> = {}): Promise<Daemon> {
  const daemon = await startDaemon(t, { issuer, ...options });
  writeLogin(daemon.codexHome, issuer);
  return daemon;
}

t.test("nothing is found on a clean place, in words and in JSON", async (t) => {
  const place = await cleanPlace(t);
  const { code, findings, looked } = await doctor(place);
  t.same(findings, []);
  t.equal(code, 0);
  t.equal(looked.length, 8);
  t.match(await place.cli(["doctor"], { env: withoutTools(place) }), {
    code: 0,
    stdout: "Nothing is wrong.\n",
  });
});

/** Faults of the surroundings that do not hide one another, each with its cure; found in one look. */
const SURROUNDINGS: readonly {
  readonly env: (place: Place) => NodeJS.ProcessEnv;
  readonly found: Readonly<Record<string, RegExp>>;
}[] = [
  {
    env: ({ home }) => ({
      CODEX_HOME: join(home, "nowhere"),
      CODEX_AUTHD_CONFIG: join(home, "nowhere.toml"),
    }),
    found: { "codex-home-missing": /mkdir -m 700/, "config-invalid": /Correct what is named/ },
  },
  {
    env: ({ home }) => ({ CODEX_HOME: join(home, "config.toml"), SSL_CERT_FILE: join(home, "config.toml") }),
    found: { "codex-home-not-a-folder": /Set CODEX_HOME/, "ca-bundle": /unset SSL_CERT_FILE/ },
  },
  {
    env: ({ home }) => ({
      CODEX_CA_CERTIFICATE: join(home, "nowhere.pem"),
      HTTPS_PROXY: "socks5://me:secret@127.0.0.1:1",
      HTTP_PROXY: "http://",
      NODE_EXTRA_CA_CERTS: "/etc/hostname",
      CODEX_API_KEY: "sk-secret",
      CODEX_ACCESS_TOKEN: "at-secret",
      CODEX_REFRESH_TOKEN_URL_OVERRIDE: "http://127.0.0.1:1",
      CODEX_REVOKE_TOKEN_URL_OVERRIDE: "http://127.0.0.1:1",
      OPENAI_FEDERATION_RULE_ID: "rule",
      OPENAI_IDENTITY_TOKEN_FILE: "/token",
    }),
    found: {
      "ca-bundle": /unset CODEX_CA_CERTIFICATE/,
      "proxy-kind": /http or https proxy/,
      "proxy-invalid": /http:\/\/host:port/,
      "node-extra-ca-certs": /CODEX_CA_CERTIFICATE/,
      "override-codex-api-key": /Unset CODEX_API_KEY/,
      "override-codex-access-token": /Unset CODEX_ACCESS_TOKEN/,
      "override-codex-refresh-token-url-override": /Unset/,
      "override-codex-revoke-token-url-override": /Unset/,
      "override-openai-federation-rule-id": /Unset/,
      "override-openai-identity-token-file": /Unset/,
    },
  },
];

t.test("faults of the surroundings", async (t) => {
  const place = await cleanPlace(t);
  for (const { env, found } of SURROUNDINGS) {
    const { findings } = await doctor(place, env(place));
    const cures = Object.fromEntries(findings.map(({ id, cure }) => [id, cure]));
    t.match(cures, found);
    t.notMatch(JSON.stringify(findings), /secret/);
  }
});

t.test("an environment in which nothing can be looked for is told as any command tells it", async (t) => {
  const place = createPlace(t, { issuer });
  for (const socket of ["run/d.sock", join(place.home, "x".repeat(120))]) {
    const { code, stdout } = await place.cli(["doctor", "--json"], { env: { CODEX_AUTHD_SOCKET: socket } });
    t.equal(code, 1);
    t.match(JSON.parse(stdout), {
      error: { code: "ERR_CONFIG_INVALID", message: /absolute path|shorter one/ },
    });
  }
});

t.test("an auth.json that nobody understands", async (t) => {
  const place = createPlace(t, { issuer });
  writeFileSync(join(place.codexHome, "auth.json"), "{", { mode: 0o600 });
  t.match((await doctor(place)).findings, [
    { id: "auth-json-corrupt", level: "problem", cure: /codex-auth login/ },
  ]);
});

/** Faults that are put into a place and taken out again; `fixed`: --fix mends them. */
const FILES: readonly {
  readonly id: string;
  readonly seed: (place: Place) => void;
  readonly mend?: (place: Place) => void;
  readonly fixed?: boolean;
}[] = [
  {
    id: "auth-json-open",
    seed: ({ codexHome }) => chmodSync(join(codexHome, "auth.json"), 0o644),
    fixed: true,
  },
  { id: "codex-home-open", seed: ({ codexHome }) => chmodSync(codexHome, 0o777), fixed: true },
  {
    id: "state-folder-open",
    seed: ({ home }) => chmodSync(join(home, ".local/state/codex-authd"), 0o755),
    fixed: true,
  },
  {
    id: "leftover-files",
    seed: ({ codexHome }) => writeFileSync(join(codexHome, ".auth-999999-0123456789ab"), "x"),
    fixed: true,
  },
  {
    id: "auth-json-hard-links",
    seed: ({ codexHome }) => linkSync(join(codexHome, "auth.json"), join(codexHome, "other")),
    mend: ({ codexHome }) => unlinkSync(join(codexHome, "other")),
  },
  {
    id: "other-credential",
    seed: ({ codexHome }) =>
      writeFileSync(join(codexHome, "auth.json"), '{"OPENAI_API_KEY":"sk-test-1234567890"}'),
    mend: ({ codexHome }) => writeLogin(codexHome, issuer),
  },
  {
    id: "not-logged-in",
    seed: ({ codexHome }) => unlinkSync(join(codexHome, "auth.json")),
    mend: ({ codexHome }) => writeLogin(codexHome, issuer),
  },
  {
    id: "auth-json-dangling",
    seed: ({ codexHome }) => {
      unlinkSync(join(codexHome, "auth.json"));
      symlinkSync(join(codexHome, "nowhere/auth.json"), join(codexHome, "auth.json"));
    },
    mend: ({ codexHome }) => unlinkSync(join(codexHome, "auth.json")),
  },
  {
    id: "auth-json-not-a-file",
    seed: ({ codexHome }) => mkdirSync(join(codexHome, "auth.json")),
    mend: ({ codexHome }) => {
      rmSync(join(codexHome, "auth.json"), { recursive: true });
      writeLogin(codexHome, issuer);
    },
  },
];

t.test("faults of the files", async (t) => {
  const place = await cleanPlace(t);
  await doctor(place);
  for (const { id, seed, mend, fixed } of FILES) {
    await t.test(id, async (t) => {
      seed(place);
      const { ids, findings, code } = await doctor(place);
      t.ok(ids.includes(id), ids.join());
      t.equal(code, findings.some(({ level }) => level === "problem") ? 1 : 0);
      if (fixed) {
        t.match(
          (await doctor(place, {}, ["--fix"])).findings.find((finding) => finding.id === id),
          { fixed: true },
        );
        t.notOk((await doctor(place)).ids.includes(id), "it is mended");
      }
      mend?.(place);
    });
  }
  t.same((await doctor(place)).findings, [], "nothing of it is left");
});

t.test("faults of the socket", async (t) => {
  const place = createPlace(t, { issuer });
  const folder = join(place.home, "run");
  writeLogin(place.codexHome, issuer);
  await place.cli(["daemon", "start"]);
  t.same((await doctor(place)).findings, []);

  t.test("a folder that others can enter", async (t) => {
    chmodSync(folder, 0o755);
    t.ok((await doctor(place, {}, ["--fix"])).ids.includes("socket-folder-open"));
    t.equal(statSync(folder).mode & 0o777, 0o700);
  });
  t.test("two daemons", async (t) => {
    const runtime = join(place.home, "xdg");
    const env = { XDG_RUNTIME_DIR: runtime, CODEX_AUTHD_SOCKET: undefined };
    for (const variables of [env, { ...env, XDG_RUNTIME_DIR: undefined }])
      await place.cli(["daemon", "start"], { env: variables });
    const { ids, findings } = await doctor(place, env);
    t.ok(ids.includes("two-daemons"), ids.join());
    t.match(
      findings.find(({ id }) => id === "two-daemons"),
      { cure: /daemon stop --socket/ },
    );
    for (const variables of [env, { ...env, XDG_RUNTIME_DIR: undefined }])
      await place.cli(["daemon", "stop"], { env: variables });
  });
  t.test("what is no socket", async (t) => {
    await place.cli(["daemon", "stop"]);
    writeFileSync(place.socket, "");
    const { ids } = await doctor(place);
    t.ok(ids.includes("socket-not-a-socket"), ids.join());
    t.ok(ids.includes("daemon-not-running"), ids.join());
    unlinkSync(place.socket);
  });
  t.test("a link in place of the folder", async (t) => {
    rmSync(folder, { recursive: true });
    mkdirSync(join(place.home, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(place.home, "elsewhere"), folder);
    t.ok((await doctor(place)).ids.includes("socket-folder-link"));
  });
});

t.test("a socket that a daemon left behind is told, and removed by --fix", async (t) => {
  const daemon = await cleanPlace(t);
  await daemon.stop("SIGKILL");
  const { ids } = await doctor(daemon, {}, ["--no-autostart", "--fix"]);
  t.same(ids, ["socket-stale", "daemon-not-running"]);
  t.notOk(existsSync(daemon.socket));
});

t.test("a login that has ended, and who may have ended it", async (t) => {
  const daemon = await cleanPlace(t);
  issuer.failNext("refresh", {
    kind: "status",
    status: 400,
    body: { error: { code: "refresh_token_reused" } },
  });
  await daemon.cli(["refresh"]);
  const { findings } = await doctor(daemon);
  t.match(
    findings.find(({ id }) => id === "login-ended"),
    { level: "problem", cure: /codex-auth login.*other program that refreshes/ },
  );
});

t.test("no port for the browser's way back", async (t) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  t.teardown(() => holder.close());
  const { port } = holder.address() as { port: number };
  const place = await cleanPlace(t, { config: { callback_port: port } });
  t.match((await doctor(place)).findings, [{ id: "callback-port", level: "warning", cure: /--device/ }]);
});

t.test("an old Codex on PATH", async (t) => {
  const place = await cleanPlace(t);
  withoutTools(place);
  const codex = join(place.home, "bin", "codex");
  const program = "#!/usr/bin/env node\nconsole.log('codex-cli 0.98.1');\n";
  writeFileSync(codex, program.replace("/usr/bin/env node", process.execPath), { mode: 0o700 });
  t.match((await doctor(place)).findings, [{ id: "codex-too-old", level: "warning", cure: /0\.169/ }]);
});

t.test("what a session says of itself", async (t) => {
  const place = await cleanPlace(t);
  const status = JSON.parse((await place.cli(["status", "--json"])).stdout);
  const nowMs = Date.now();
  const ids = (change: object): string[] =>
    sessionFindings({ ...status, ...change }, nowMs).map(({ id }) => id);
  const lastError = { code: "ERR_STORAGE_UNAVAILABLE", message: "ENOSPC", atMs: nowMs };
  t.same(ids({}), []);
  t.same(ids({ storageState: "pending", lastError }), ["write-pending"]);
  t.same(ids({ lastError: { ...lastError, code: "ERR_ISSUER_UNAVAILABLE" } }), ["refresh-failing"]);
  t.same(ids({ state: "signedOut", lastError }), ["store-unavailable"]);
  t.same(ids({ warnings: ["another codex-authd refreshes this login"] }), ["session-warning"]);
  t.same(ids({ lastRefreshAtMs: nowMs + 3_600_000 }), ["clock-behind"]);
});

t.test("a Node that is too old", async (t) => {
  t.match(oldNode("18.20.4"), [{ id: "node-too-old" }]);
  t.match(oldNode("20.18.9"), [{ id: "node-too-old" }]);
  for (const version of ["20.19.0", "22.0.0", "24.1.0"]) t.same(oldNode(version), []);
});
